"""Errors with a code, as results carry them."""

from __future__ import annotations

import traceback
from typing import Any, Optional


class OperationError(Exception):
    """An error whose code becomes the `retcode` of the result. User code may raise it with a code of its own, which must not
    be 0. `extra` is JSON; a `uuid` in it becomes that of the result."""

    code = 500

    def __init__(
        self,
        message: str,
        *,
        code: Optional[int] = None,
        extra: Optional[dict[str, Any]] = None,
        msgid: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = type(self).code if code is None else code
        if self.code == 0:
            raise ValueError("OperationError: code 0 means success; want another")
        self.extra = dict(extra or {})
        self.msgid = msgid or f"ERR-{self.code:05d}"


class InternalError(OperationError):
    code = 500


class ValidationError(OperationError):
    code = 400


class NotFoundError(OperationError):
    code = 404


class PayloadError(OperationError):
    """A message, a result or a state that is larger than the transport takes."""

    code = 413

    @classmethod
    def check(cls, payload: bytes, limit: int) -> None:
        """Raises PayloadError for more bytes than the limit."""
        if len(payload) > limit:
            raise cls(f"payload too large: {len(payload):,} bytes, at most {limit:,}")


class TransportError(OperationError):
    """A message, or the state of an operation, that could not be sent, read or stored. A later attempt may succeed."""

    code = 503


def error_to_json(error: BaseException) -> dict[str, Any]:
    """The error as `retval.error` has it. An exception that is no OperationError is an InternalError with code 500."""
    known = error if isinstance(error, OperationError) else InternalError(_message_of(error))
    return {
        "code": known.code,
        "name": type(error).__name__,
        "message": known.message,
        "msgid": known.msgid,
        "extra": known.extra,
        "stack": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def _message_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return f"{type(error).__name__} (str() of the exception failed)"
