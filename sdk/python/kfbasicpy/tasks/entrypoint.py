"""What a message can ask for."""

from __future__ import annotations

import logging
import uuid as uuids
from typing import Any, Callable, Iterable, Optional

from .error import OperationError, ValidationError
from .log import write
from .metrics import current_metrics
from .result import Result
from .schemas import Message
from .tracing import TRACEPARENT, TaskSpan


class Entrypoint:
    """A named piece of work. Its name, `path`, is the module and the name of the class, unless the class sets another.

    `execute` calls the hooks in this order: `prerun`, `run`, `postrun`, and then `onsuccess` or `onerror`. A run that raises,
    and one whose result has another `retcode` than 0, have failed. `postrun` follows each run, `onerror` each failure.
    """

    REQUIRED_FIELDS: Iterable[str] = ()
    path: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "path" not in cls.__dict__:
            cls.path = f"{cls.__module__}.{cls.__name__}"

    def __init__(
        self,
        uuid: Optional[str] = None,
        params: Optional[dict[str, Any]] = None,
        result: Optional[Result] = None,
        metadata: Optional[dict[str, Any]] = None,
    ) -> None:
        self.uuid = uuid or str(uuids.uuid4())
        self.params = dict(params or {})
        self.metadata = dict(metadata or {})
        self._forwarded = result
        self.result = Result(uuid=self.uuid) + result
        self._fault: Optional[Exception] = None
        try:
            self.postinit()
        except Exception as error:
            self._fault = error

    @classmethod
    def from_Message(cls, message: Message) -> Any:
        return cls(uuid=message.uuid, params=message.params, result=message.result, metadata=message.metadata)

    def to_Message(self, result: Optional[Result] = None) -> Message:
        return Message(self.uuid, self.path, self.params, result or self.result, self.metadata)

    def postinit(self) -> None:
        """To implement: what follows the constructor. If it raises, the run fails with that error and `run` is not called."""

    def prerun(self) -> None:
        """To implement: what precedes the run. If it raises, `run` is not called."""

    def run(self) -> Result:
        """To implement: the work."""
        raise NotImplementedError(f"{self.path}: run is not implemented")

    def postrun(self, result: Result) -> None:
        """To implement: what follows the run, also one that failed."""

    def onsuccess(self, result: Result) -> Result:
        """To implement: what follows success. Gets the folded result, and returns the one to go on with."""
        return result

    def onerror(self, result: Result) -> Result:
        """To implement: what follows a failure. Gets the folded result, whose `retval.error` is the error if one was raised."""
        return result

    def execute(self, result: Optional[Result] = None) -> Result:
        """Runs with the result of what was before. Never raises an Exception: a failure is a result."""
        span = TaskSpan(self.path, self.metadata.get(TRACEPARENT))
        self._begin_span(span)
        try:
            final = self.unsafe_execute(result)
        except Exception as error:
            final = self._onerror(Result.from_exception(error, self.uuid))
        span.end(self.path, self.uuid, final)
        return final

    def unsafe_execute(self, result: Optional[Result] = None) -> Result:
        """As `execute`, but raises what the hooks raise other than `run`."""
        self.result = Result(uuid=self.uuid) + self._forwarded + result
        self._assert_initialized()
        self._prerun()
        new = self._run()
        self._postrun(new)
        return self._onsuccess(new) if new.retcode == 0 else self._onerror(new)

    def check_required_params(self) -> None:
        """Raises ValidationError for the first of REQUIRED_FIELDS that is missing."""
        for field in self.REQUIRED_FIELDS:
            if field not in self.params:
                raise ValidationError(f"Missing parameter: {field}", extra={"uuid": self.uuid})

    def log(self, message: str, level: int = logging.INFO, *args: Any, **kwargs: Any) -> None:
        self._log(level, "MESSAGE", f": {message}", *args, **kwargs)

    def _assert_initialized(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _begin_span(self, span: TaskSpan) -> None:
        pass

    def _prerun(self) -> None:
        self.check_required_params()
        self._log(logging.DEBUG, "PreRun")
        self.prerun()

    def _run(self) -> Result:
        current_metrics().started(self.path)
        self._log(logging.DEBUG, "Run")
        try:
            result = self.run()
        except Exception as error:
            return Result.from_exception(error, self.uuid)
        if result is None:
            return Result(uuid=self.uuid)
        if not isinstance(result, Result):
            error = OperationError(f"{self.path}: run returned {type(result).__name__}; return a Result")
            return Result.from_exception(error, self.uuid)
        return result

    def _postrun(self, result: Result) -> None:
        self._log(logging.DEBUG, "PostRun", result=result)
        self.postrun(result)

    def _onsuccess(self, result: Result) -> Result:
        self.result = self.onsuccess(self._fold(result)) or self._fold(result)
        self._ended("SUCCESS", self.result)
        self._log(logging.INFO, "Success", ": %s", self.result, result=self.result)
        return self.result

    def _onerror(self, result: Result) -> Result:
        self.result = self._fold(result)
        self.result = self._attempt(lambda: self.onerror(self.result)) or self.result
        self._attempt(lambda: self._ended("FAILED", self.result))
        self._log(logging.ERROR, "Failed", ": %s", self.result, result=self.result)
        return self.result

    def _attempt(self, hook: Callable[[], Any]) -> Any:
        """Calls a hook of a failure; a failure of its own is only logged."""
        try:
            return hook()
        except Exception as error:
            self._log(logging.ERROR, "OnError", ": %s", error, error=error)

    def _fold(self, result: Result) -> Result:
        return self.result + result

    def _ended(self, status: str, result: Result) -> None:
        current_metrics().ended(self.path, status)

    def _log(self, level: int, phase: str, text: str = "", *args: Any, **fields: Any) -> None:
        line = f"{type(self).__name__}.{phase}: {self.path}[{self.uuid}]"
        write(level, line.replace("%", "%%") + text if args else line + text, *args, message=self.to_Message(), **fields)
