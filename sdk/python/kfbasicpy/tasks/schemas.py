"""The message that asks for a task or an operation."""

from __future__ import annotations

import json
from typing import Any, Optional, Union

from .error import InternalError, ValidationError
from .result import Result


class Message:
    """Asks for the task or operation registered as `entrypoint`. JSON: `uuid`, `entrypoint`, and optionally `params` {},
    `result` (of the task before) and `metadata` {}. Other fields are ignored."""

    def __init__(
        self,
        uuid: str,
        entrypoint: str,
        params: Optional[dict[str, Any]] = None,
        result: Optional[Result] = None,
        metadata: Optional[dict[str, Any]] = None,
    ) -> None:
        self.uuid = uuid
        self.entrypoint = entrypoint
        self.params = dict(params or {})
        self.result = result or Result(uuid=uuid)
        self.metadata = dict(metadata or {})

    @classmethod
    def loads(cls, text: Union[str, bytes]) -> Message:
        """Raises InternalError for text that is not JSON, and ValidationError for JSON that is no message."""
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise InternalError(f"message: not JSON ({error})") from error
        return cls.from_json(fields)

    @classmethod
    def from_json(cls, fields: Any) -> Message:
        if not isinstance(fields, dict):
            raise ValidationError(f"message: want an object, got {type(fields).__name__}")
        given: dict[str, Any] = {}
        for name, kind, is_required in (
            ("uuid", str, True),
            ("entrypoint", str, True),
            ("params", dict, False),
            ("metadata", dict, False),
        ):
            value = fields.get(name)
            if value is None or value == "":
                if is_required:
                    raise ValidationError(f"message.{name}: required, got nothing")
            elif not isinstance(value, kind):
                raise ValidationError(f"message.{name}: want {kind.__name__}, got {type(value).__name__}")
            else:
                given[name] = value
        if fields.get("result") is not None:
            given["result"] = Result.from_json(fields["result"], "message.result")
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid,
            "entrypoint": self.entrypoint,
            "params": self.params,
            "result": self.result.to_json(),
            "metadata": self.metadata,
        }

    def dumps(self) -> bytes:
        return json.dumps(self.to_json(), ensure_ascii=False, separators=(",", ":")).encode()

    def __str__(self) -> str:
        return f"{self.entrypoint}[{self.uuid}]"
