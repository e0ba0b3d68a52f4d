"""Outputs handed to the runtime and not stored yet.

W1. `acquire` takes room only while fewer than 64 outputs and 16 MiB are out, or none at all.
W2. Looking for room and taking it are one step under the lock.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Callable, Optional

_MAX_COUNT = 64
_MAX_BYTES = 16 << 20


class Window:
    """Counts outputs out and back in; callers of `acquire` wait for room, all others are only counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._bytes = 0
        self._waiters: list[Callable[[], None]] = []

    def charge(self, size: int) -> None:
        """Counts an output that does not wait."""
        with self._changed:
            self._count += 1
            self._bytes += size

    def credit(self, count: int, size: int) -> None:
        """Takes stored outputs off and wakes who waits; called by the reader's thread."""
        with self._changed:
            self._count -= count
            self._bytes -= size
            waiters, self._waiters = self._waiters, []
            self._changed.notify_all()
        for wake in waiters:
            wake()

    def try_acquire(self, size: int, waiter: Optional[Callable[[], None]] = None) -> bool:
        """Takes room if there is some; else keeps `waiter` to be called once at the next credit."""
        with self._changed:
            if self._has_room(size):
                self._count += 1
                self._bytes += size
                return True
            if waiter is not None:
                self._waiters.append(waiter)
            return False

    def acquire_blocking(self, size: int) -> None:
        """Waits for room in this thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(size))
            self._count += 1
            self._bytes += size

    async def acquire(self, size: int) -> None:
        """Waits for room on the running loop."""
        loop = asyncio.get_running_loop()
        while True:
            credited = asyncio.Event()
            if self.try_acquire(size, lambda: loop.call_soon_threadsafe(credited.set)):
                return
            await credited.wait()

    def _has_room(self, size: int) -> bool:
        return self._count == 0 or (self._count < _MAX_COUNT and self._bytes + size <= _MAX_BYTES)
