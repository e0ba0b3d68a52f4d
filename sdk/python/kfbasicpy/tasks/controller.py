"""Runs what messages ask for."""

from __future__ import annotations

import logging
from typing import Any, Optional, Union

from .entrypoint import Entrypoint
from .error import ValidationError
from .log import write
from .result import Result
from .schemas import Message


class Controller:
    """Routes messages to the entrypoints that are registered under a path."""

    def __init__(self) -> None:
        self.entrypoints: dict[str, type[Entrypoint]] = {}

    def register(self, name: str, callback: Any) -> None:
        """Registers a class of Entrypoint. Of two with the same name, the first one stays. Raises ValidationError for anything
        else."""
        if not (isinstance(callback, type) and issubclass(callback, Entrypoint)):
            raise ValidationError(f"{name}: want a class of Task or Operation, got {type(callback).__name__}")
        self.entrypoints.setdefault(name, callback)

    def onmessage(self, message: Message) -> None:
        """To implement: called for each message before it is run."""

    def onsuccess(self, message: Message, result: Result) -> None:
        """To implement: called for each message whose result has the retcode 0."""

    def onerror(self, message: Optional[Message], result: Result) -> None:
        """To implement: called for each other message; without a message if there was none in the text."""

    def run(self, raw: Union[str, bytes]) -> Result:
        """Runs what a message asks for, in this process; all tasks of an operation too. Never raises an Exception."""
        message = self.parse(raw)
        if isinstance(message, Result):
            return message
        return self.settle(message, self.execute(message))

    def parse(self, raw: Union[str, bytes]) -> Union[Message, Result]:
        """The message of a text, or the result of one that is none, which is logged with the text."""
        try:
            message = Message.loads(raw)
            self.onmessage(message)
            return message
        except Exception as error:
            return self.rejected(raw, error)

    def rejected(self, raw: Union[str, bytes], error: Exception) -> Result:
        result = Result.from_exception(error)
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
        write(logging.ERROR, "Controller.ImportError: %s", result, result=result, extra={"raw": text})
        self._hook(self.onerror, None, result)
        return result

    def execute(self, message: Message) -> Result:
        try:
            return self.find(message).from_Message(message).execute()
        except Exception as error:
            return Result.from_exception(error, message.uuid)

    def find(self, message: Message) -> type[Entrypoint]:
        """Raises ValidationError that lists the registered entrypoints if the message's is not one."""
        found = self.entrypoints.get(message.entrypoint)
        if found is not None:
            return found
        known = ", ".join(sorted(self.entrypoints)) or "none"
        raise ValidationError(f"entrypoint {message.entrypoint}: unknown; registered are: {known}")

    def settle(self, message: Message, result: Result) -> Result:
        """Logs how a message ended, and calls `onsuccess` or `onerror`."""
        is_success = result.retcode == 0
        phase, level = ("Success", logging.INFO) if is_success else ("Failed", logging.ERROR)
        write(level, "Controller.%s: %s: %s", phase, message, result, message=message, result=result)
        self._hook(self.onsuccess if is_success else self.onerror, message, result)
        return result

    def _hook(self, hook: Any, message: Optional[Message], result: Result) -> None:
        try:
            hook(message, result)
        except Exception:
            write(logging.ERROR, f"Controller.Hook: {message}: {hook.__name__} failed", message=message, exc_info=True)
