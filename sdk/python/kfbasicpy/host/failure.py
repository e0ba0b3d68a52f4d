"""Converts exceptions to the failures that the runtime reads."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any, Optional

from kfbasicpy.runtime.basic import AckException

from .schemas import RecordError

_HOST = os.path.dirname(os.path.abspath(__file__)) + os.sep


def failure_of(error: BaseException) -> dict[str, Any]:
    """Type, message, and the traceback from the first frame of user code; for an AckException, its decisions as well."""
    tb = None if isinstance(error, RecordError) else _user_frames(error.__traceback__)
    failure: dict[str, Any] = {
        "type": type(error).__name__,
        "message": _message(error),
        "trace": "".join(traceback.format_exception(type(error), error, tb)),
    }
    if isinstance(error, AckException):
        failure["ack"] = bool(error.should_ack())
        failure["payloadAsJson"] = bool(error.payload_as_json())
    return failure


def _user_frames(tb: Optional[TracebackType]) -> Optional[TracebackType]:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_HOST):
        tb = tb.tb_next
    return tb


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return f"{type(error).__name__} (str() of the exception failed)"
