"""Log lines of tasks, with the message, the result and the error as structured fields of the record."""

from __future__ import annotations

import logging
from typing import Any, Optional

from .result import Result
from .schemas import Message

logger = logging.getLogger("kfbasicpy.tasks")


def write(
    level: int,
    line: str,
    *args: Any,
    message: Optional[Message] = None,
    result: Optional[Result] = None,
    error: Any = None,
    **kwargs: Any,
) -> None:
    """One line. Its record has the fields `kmsg`, `kresult` and `error`, None where there is none."""
    extra = {
        **kwargs.pop("extra", {}),
        "kmsg": None if message is None else message.to_json(),
        "kresult": None if result is None else result.to_json(),
        "error": result.retval.get("error") if error is None and result is not None and result.retcode != 0 else error,
    }
    logger.log(level, line, *args, extra=extra, **kwargs)
