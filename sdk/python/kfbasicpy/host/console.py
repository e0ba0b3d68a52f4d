"""Where print, stderr and logging of user code go: log entries of the runtime, in the order they were made."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from typing import Any

from .outbox import Outbox

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_installed: list[_Lines] = []


def install_console(outbox: Outbox) -> None:
    """Takes over sys.stdout, sys.stderr and the root logger; the threshold is KFLOW_RUNTIME_LOG_LEVEL (INFO)."""
    wanted = os.environ.get("KFLOW_RUNTIME_LOG_LEVEL", "INFO").upper()
    threshold = getattr(logging, wanted) if wanted in _LEVELS else logging.INFO
    out, err = _Lines(outbox, "INFO", 1, threshold), _Lines(outbox, "WARNING", 2, threshold)
    _installed.extend((out, err))
    sys.stdout, sys.stderr = _text(out), _text(err)
    logging.root.addHandler(_LogHandler(outbox))
    logging.root.setLevel(threshold)
    # A forked child shares the socket but not the threads: its words go to the pipes.
    os.register_at_fork(after_in_child=_leave_console)


def end_lines() -> None:
    """Sends what was printed without a newline at its end."""
    for lines in _installed:
        if lines.rest:
            lines.write(b"\n")


def _text(raw: _Lines) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[arg-type]


def _leave_console() -> None:
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    _installed.clear()
    for handler in [handler for handler in logging.root.handlers if isinstance(handler, _LogHandler)]:
        logging.root.removeHandler(handler)
    logging.root.addHandler(logging.StreamHandler(sys.__stderr__))


class _Lines(io.RawIOBase):
    """Cuts bytes into lines, one log entry each."""

    def __init__(self, outbox: Outbox, level: str, descriptor: int, threshold: int) -> None:
        self._outbox = outbox
        self._level = level
        self._descriptor = descriptor
        self._wanted = getattr(logging, level) >= threshold
        self._lock = threading.RLock()
        #: The line that has not ended.
        self.rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        if self._wanted:
            with self._lock:
                lines = (self.rest + bytes(data)).split(b"\n")
                self.rest = lines.pop()
                for line in lines:
                    self._outbox.log(self._level, line.decode("utf-8", "backslashreplace"))
        return len(data)


class _LogHandler(logging.Handler):
    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._outbox.log(_level_of(record.levelno), self.format(record))
        except Exception:
            self.handleError(record)


def _level_of(number: int) -> str:
    return next((level for level in reversed(_LEVELS) if number >= getattr(logging, level)), "DEBUG")
