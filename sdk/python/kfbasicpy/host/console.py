"""Redirects stdout, stderr and logging of user code to the log of the runtime, in order."""

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
    """Redirects sys.stdout, sys.stderr and the root logger. KFLOW_RUNTIME_LOG_LEVEL is the threshold; default INFO."""
    name = os.environ.get("KFLOW_RUNTIME_LOG_LEVEL", "INFO").upper()
    threshold = getattr(logging, name) if name in _LEVELS else logging.INFO
    out, err = _Lines(outbox, "INFO", 1, threshold), _Lines(outbox, "WARNING", 2, threshold)
    _installed.extend((out, err))
    sys.stdout, sys.stderr = _text(out), _text(err)
    logging.root.addHandler(_LogHandler(outbox))
    logging.root.setLevel(threshold)
    # A forked child shares the socket but not the threads, so it writes to the pipes.
    os.register_at_fork(after_in_child=_restore_console)


def end_lines() -> None:
    """Sends printed text that does not end with a newline."""
    for lines in _installed:
        if lines.rest:
            lines.write(b"\n")


def _text(raw: _Lines) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[arg-type]


def _restore_console() -> None:
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    _installed.clear()
    for handler in [handler for handler in logging.root.handlers if isinstance(handler, _LogHandler)]:
        logging.root.removeHandler(handler)
    logging.root.addHandler(logging.StreamHandler(sys.__stderr__))


class _Lines(io.RawIOBase):
    """Splits bytes into lines, each of which becomes a log entry."""

    def __init__(self, outbox: Outbox, level: str, descriptor: int, threshold: int) -> None:
        self._outbox = outbox
        self._level = level
        self._descriptor = descriptor
        self._is_logged = getattr(logging, level) >= threshold
        self._lock = threading.RLock()
        #: The last line, which is not terminated yet.
        self.rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        if self._is_logged:
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
