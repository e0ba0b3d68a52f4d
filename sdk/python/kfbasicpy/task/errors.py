"""What a task raises to say how it failed."""

from __future__ import annotations

from typing import Any, Optional


class TaskError(Exception):
    """A failure with a code, by which the policy of a step decides. `details` is any JSON, which an error branch gets. Not
    `retryable`: the step is not tried again. `retry_after`: the next attempt starts after so many seconds, instead of the
    step's backoff."""

    def __init__(
        self, code: str, message: str = "", *, details: Any = None, retryable: bool = True, retry_after: Optional[float] = None
    ) -> None:
        super().__init__(message or code)
        self.code = code
        self.details = details
        self.retryable = retryable
        self.retry_after = retry_after


class TerminalError(TaskError):
    """A failure that no other attempt can mend."""

    def __init__(self, message: str, *, code: str = "TerminalError", details: Any = None) -> None:
        super().__init__(code, message, details=details, retryable=False)
