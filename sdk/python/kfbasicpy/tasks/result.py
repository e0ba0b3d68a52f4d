"""What a task or an operation returned."""

from __future__ import annotations

import uuid as uuids
from typing import Any, Optional

from .error import NotFoundError, OperationError, ValidationError, error_to_json
from .paths import values_at

_NO_DEFAULT = object()
_FIELDS = {"uuid": str, "retcode": int, "stdout": str, "stderr": str, "retval": dict}


class Result:
    """What a task returned. `retcode` 0 is success, everything else failure. `retval` is a JSON object, and what later tasks of
    the operation see."""

    def __init__(
        self,
        uuid: Optional[str] = None,
        retcode: int = 0,
        stdout: str = "",
        stderr: str = "",
        retval: Optional[dict[str, Any]] = None,
    ) -> None:
        self.uuid = uuid or str(uuids.uuid4())
        self.retcode = retcode
        self.stdout = stdout
        self.stderr = stderr
        self.retval = dict(retval or {})

    @classmethod
    def from_exception(cls, error: BaseException, uuid: Optional[str] = None) -> Result:
        """A failed result: the code and the message of the exception, and the exception as `retval.error`."""
        about = error_to_json(error)
        own = about["extra"].get("uuid") if isinstance(error, OperationError) else None
        return cls(uuid=own or uuid, retcode=about["code"], stderr=about["message"], retval={"error": about})

    @classmethod
    def from_json(cls, fields: Any, where: str = "result") -> Result:
        """Raises ValidationError for a value that is no result. Fields that are not known are ignored."""
        if not isinstance(fields, dict):
            raise ValidationError(f"{where}: want an object, got {type(fields).__name__}")
        known = {name: value for name, value in fields.items() if name in _FIELDS and value is not None}
        for name, value in known.items():
            if not isinstance(value, _FIELDS[name]) or isinstance(value, bool):
                raise ValidationError(f"{where}.{name}: want {_FIELDS[name].__name__}, got {type(value).__name__}")
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _FIELDS}

    def __add__(self, newer: Optional[Result]) -> Result:
        """Folds a newer result into this one, into a third: the higher code, regardless of its sign, the values of both (the
        newer ones win), and each of the newer texts that is not empty. The uuid is that of this one."""
        if newer is None:
            return Result(**self.to_json())
        return Result(
            uuid=self.uuid,
            retcode=max(self.retcode, newer.retcode, key=abs),
            stdout=newer.stdout or self.stdout,
            stderr=newer.stderr or self.stderr,
            retval={**self.retval, **newer.retval},
        )

    def search_value(self, path: str, default: Any = _NO_DEFAULT) -> Any:
        """The value at a path of `retval` (`order.lines[0].price`, `$..price`); a list of them if it selects several. Without
        any, the default, or NotFoundError if there is none."""
        found = values_at(self.retval, path)
        if not found:
            if default is not _NO_DEFAULT:
                return default
            raise NotFoundError(f"{path}: the result has no such value", extra={"uuid": self.uuid})
        return found[0] if len(found) == 1 else found

    def __str__(self) -> str:
        return self.stdout if self.retcode == 0 else self.stderr

    def __repr__(self) -> str:
        return f"Result({', '.join(f'{name}={value!r}' for name, value in self.to_json().items())})"
