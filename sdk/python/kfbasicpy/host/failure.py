"""Converts exceptions to the failures that the runtime reads. Texts are cut: a failure is stored with its record."""

from __future__ import annotations

import json
import os
import traceback
from types import TracebackType
from typing import Any, Callable, Optional

from kfbasicpy.runtime.basic import AckException
from kfbasicpy.task.errors import TaskError
from kfbasicpy.task.json_text import json_text

from .schemas import RecordError

# A time in milliseconds is an integer that every reader takes.
_MAX_SECONDS = 2**43

_HOST = os.path.dirname(os.path.abspath(__file__)) + os.sep

# Longest texts, in characters.
_MAX_TYPE = 200
_MAX_MESSAGE = 8_000
_MAX_TRACE = 16_000
# The end of a long traceback says where the exception was raised.
_TRACE_END = 4_000


def failure_of(error: BaseException) -> dict[str, Any]:
    """Type, message, and the traceback from the first frame of user code; for an AckException, its decisions as well. Raises
    what the methods of an AckException raise, and nothing else."""
    failure: dict[str, Any] = {"type": type(error).__name__[:_MAX_TYPE], "message": _cut(_message(error), _MAX_MESSAGE)}
    trace = _trace(error)
    if trace:
        failure["trace"] = _cut(trace, _MAX_TRACE, _TRACE_END)
    if isinstance(error, AckException):
        failure["ack"] = bool(error.should_ack())
        failure["payloadAsJson"] = bool(error.payload_as_json())
    if isinstance(error, TaskError):
        failure["task"] = _task(error)
    return failure


def _task(error: TaskError) -> dict[str, Any]:
    """What the controller decides by; what is no JSON, as a text."""
    task: dict[str, Any] = {"code": _shown(str, error.code)[:_MAX_TYPE] or "TaskError"}
    if error.details is not None:
        try:
            task["details"] = json.loads(json_text("details", error.details))
        except Exception:
            task["details"] = _shown(repr, error.details)[:_MAX_MESSAGE]
    if not error.retryable:
        task["isTerminal"] = True
    seconds = error.retry_after
    if isinstance(seconds, (int, float)) and 0 <= seconds < _MAX_SECONDS:
        task["retryAfterMs"] = round(seconds * 1000)
    return task


def _shown(show: Callable[[Any], str], value: Any) -> str:
    try:
        return show(value)
    except Exception as error:
        return f"({show.__name__}() of {type(value).__name__} raised {type(error).__name__})"


def _trace(error: BaseException) -> str:
    tb = None if isinstance(error, RecordError) else _user_frames(error.__traceback__)
    try:
        return "".join(traceback.format_exception(type(error), error, tb))
    except BaseException as second:
        # Code of the exception, or of one that caused it, raised.
        return f"(formatting the traceback raised {type(second).__name__})"


def _user_frames(tb: Optional[TracebackType]) -> Optional[TracebackType]:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_HOST):
        tb = tb.tb_next
    return tb


def _message(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return str(error) or name
    except BaseException:
        return f"{name} (str() of the exception failed)"


def _cut(text: str, limit: int, end: int = 0) -> str:
    """At most `limit` characters of the text: its beginning, and `end` characters of its end."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - end]}... ({len(text):,} characters){text[len(text) - end :]}"
