"""Redirects stdout, stderr and logging of user code to the log of the runtime, in order."""

from __future__ import annotations

import io
import logging
import os
import sys

from .lines import Lines, pieces_of
from .outbox import Outbox

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_installed: list[Lines] = []


def install_console(outbox: Outbox) -> None:
    """Redirects sys.stdout, sys.stderr and the root logger. KFLOW_RUNTIME_LOG_LEVEL is the threshold; default INFO."""
    name = os.environ.get("KFLOW_RUNTIME_LOG_LEVEL", "INFO").upper()
    threshold = getattr(logging, name) if name in _LEVELS else logging.INFO
    out, err = _Lines(outbox, "INFO", 1, threshold), _Lines(outbox, "WARNING", 2, threshold)
    _installed.extend((out, err))
    sys.stdout, sys.stderr = _text(out), _text(err)
    logging.root.addHandler(_LogHandler(outbox))
    logging.root.setLevel(threshold)
    # A forked child writes to the pipes, because the frames belong to its parent.
    os.register_at_fork(after_in_child=_restore_console)


def end_lines() -> None:
    """Sends printed text that does not end with a newline."""
    for lines in _installed:
        lines.end_line()


def _text(raw: Lines) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[arg-type]


def _restore_console() -> None:
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    # User code may hold the streams of the parent.
    for lines in _installed:
        lines.reset()
    _installed.clear()
    for handler in [handler for handler in logging.root.handlers if isinstance(handler, _LogHandler)]:
        logging.root.removeHandler(handler)
    logging.root.addHandler(logging.StreamHandler(sys.__stderr__))


class _Lines(Lines):
    def __init__(self, outbox: Outbox, level: str, descriptor: int, threshold: int) -> None:
        is_logged = getattr(logging, level) >= threshold
        super().__init__((lambda text: outbox.log(level, text)) if is_logged else None, descriptor)


class _LogHandler(logging.Handler):
    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record).encode("utf-8", "backslashreplace")
            for piece in pieces_of(text):
                self._outbox.log(_level_of(record.levelno), piece.decode())
        except Exception:
            self.handleError(record)


def _level_of(number: int) -> str:
    return next((level for level in reversed(_LEVELS) if number >= getattr(logging, level)), "DEBUG")
