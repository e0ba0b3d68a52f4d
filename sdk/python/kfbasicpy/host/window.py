"""Limits the outputs that are sent to the runtime and not stored yet.

W1. `acquire` succeeds while fewer than 64 outputs and 16 MiB are in flight, or when none is.
W2. The check for room and its acquisition are one step under the lock.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Callable, Optional

_MAX_COUNT = 64
_MAX_BYTES = 16 << 20


class Window:
    """Counts outputs in flight."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._bytes = 0
        self._waiters: list[Callable[[], None]] = []

    def credit(self, count: int, size: int) -> None:
        """Subtracts stored outputs and wakes the waiters. Called by the reader's thread."""
        with self._changed:
            self._count -= count
            self._bytes -= size
            waiters, self._waiters = self._waiters, []
            self._changed.notify_all()
        for wake in waiters:
            wake()

    def try_acquire(self, size: int, waiter: Optional[Callable[[], None]] = None) -> bool:
        """Acquires room if there is some. If not, calls `waiter` once at the next credit."""
        with self._changed:
            if self._has_room(size):
                self._count += 1
                self._bytes += size
                return True
            if waiter is not None:
                self._waiters.append(waiter)
            return False

    def acquire_blocking(self, size: int) -> None:
        """Blocks the thread until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(size))
            self._count += 1
            self._bytes += size

    async def acquire(self, size: int) -> None:
        """Waits on the running loop until there is room."""
        loop = asyncio.get_running_loop()
        while True:
            credited = asyncio.Event()
            if self.try_acquire(size, lambda: loop.call_soon_threadsafe(credited.set)):
                return
            await credited.wait()

    def _has_room(self, size: int) -> bool:
        return self._count == 0 or (self._count < _MAX_COUNT and self._bytes + size <= _MAX_BYTES)
