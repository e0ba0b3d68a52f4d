"""An exception as the runtime wants it."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any, Optional

from kfbasicpy.runtime.basic import AckException

from .schema_book import RecordError

_HOST = os.path.dirname(os.path.abspath(__file__)) + os.sep


def failure_of(error: BaseException) -> dict[str, Any]:
    """Type, message and the trace from the user's first line on; what an AckException decides, if it is one."""
    tb = None if isinstance(error, RecordError) else _users_part(error.__traceback__)
    failure: dict[str, Any] = {
        "type": type(error).__name__,
        "message": _message(error),
        "trace": "".join(traceback.format_exception(type(error), error, tb)),
    }
    if isinstance(error, AckException):
        failure["ack"] = bool(error.should_ack())
        failure["payloadAsJson"] = bool(error.payload_as_json())
    return failure


def _users_part(tb: Optional[TracebackType]) -> Optional[TracebackType]:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_HOST):
        tb = tb.tb_next
    return tb


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return f"{type(error).__name__} (its message cannot be made)"
