"""Splits printed bytes into lines, each of which becomes a log entry.

L1. The work for a write depends on its own length, not on what was printed before it on the same line.
L2. At most one piece of a line is held; a longer line becomes several entries, in order.
"""

from __future__ import annotations

import io
import threading
from typing import Any, Callable, Iterator, Optional

#: Longest entry, in bytes.
MAX_PIECE = 16 << 10


class Lines(io.RawIOBase):
    """A raw stream that calls `emit` with the text of each line that is written to it; without `emit`, it drops them."""

    def __init__(self, emit: Optional[Callable[[str], None]], descriptor: int) -> None:
        self._emit = emit
        self._descriptor = descriptor
        self.reset()

    def reset(self) -> None:
        """Forgets what is not terminated. In a forked child, a thread of the parent may have held the lock."""
        self._lock = threading.RLock()
        # The beginning of the last line, which is not terminated yet.
        self._rest = bytearray()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        view = bytes(data)
        if self._emit is None:
            return len(view)
        with self._lock:
            end = view.rfind(b"\n")
            if end < 0:
                self._hold(view)
            else:
                self._rest += view[:end]
                whole, self._rest = bytes(self._rest), bytearray()
                for line in whole.split(b"\n"):
                    self._send(line)
                self._hold(view[end + 1 :])
        return len(view)

    def end_line(self) -> None:
        """Sends text that does not end with a newline."""
        if self._rest:
            self.write(b"\n")

    def _hold(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > MAX_PIECE:
            whole = bytes(self._rest)
            cut = _cut_before(whole, len(whole) - 1 - (len(whole) - 1) % MAX_PIECE)
            self._rest = bytearray(whole[cut:])
            self._send(whole[:cut])

    def _send(self, line: bytes) -> None:
        for piece in pieces_of(line):
            self._emit(piece.decode("utf-8", "backslashreplace"))


def pieces_of(data: bytes) -> Iterator[bytes]:
    """The text in pieces that are no longer than an entry may be; one empty piece of an empty text."""
    if len(data) <= MAX_PIECE:
        yield data
        return
    at = 0
    while at < len(data):
        end = len(data) if len(data) - at <= MAX_PIECE else _cut_before(data, at + MAX_PIECE)
        yield data[at:end]
        at = end


def _cut_before(data: bytes, place: int) -> int:
    """A place at or shortly before this one that is not inside of a character."""
    for at in range(place, max(place - 4, 0), -1):
        if data[at] & 0xC0 != 0x80:
            return at
    return place
