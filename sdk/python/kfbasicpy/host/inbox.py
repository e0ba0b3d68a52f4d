"""Records and orders received from the runtime that have not been started.

I1. A record is either started, when the main thread has taken it, or released, when `release` has.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Any, Callable, Optional

from .frames import Record


class Inbox:
    """A queue from the reader's thread to the main thread, of records and orders in order of arrival."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._arrived = threading.Event()
        self._arrived_on_loop: Optional[asyncio.Event] = None
        self._wake: Optional[Callable[[], None]] = None

    def put(self, items: list[Any]) -> None:
        """Called by the reader's thread."""
        self._items.extend(items)
        self._arrived.set()
        if self._wake is not None:
            self._wake()

    def get(self) -> Any:
        """The next item; blocks the thread."""
        while True:
            try:
                return self._items.popleft()
            except IndexError:
                self._arrived.clear()
                if not self._items:
                    self._arrived.wait()

    async def next(self) -> Any:
        """The next item; waits on the running loop, where any number of tasks may wait."""
        arrived = self._listen(asyncio.get_running_loop())
        while True:
            try:
                return self._items.popleft()
            except IndexError:
                arrived.clear()
                if not self._items:
                    await arrived.wait()

    def put_back(self, order: Any) -> None:
        """Puts an order back at the head of the queue, for the other tasks."""
        self._items.appendleft(order)
        if self._wake is not None:
            self._wake()

    def release(self) -> list[int]:
        """Removes all records and returns their ids; orders remain."""
        records: list[int] = []
        orders: list[Any] = []
        while True:
            try:
                item = self._items.popleft()
            except IndexError:
                break
            if isinstance(item, Record):
                records.append(item.id)
            else:
                orders.append(item)
        self.put(orders)
        return records

    def _listen(self, loop: asyncio.AbstractEventLoop) -> asyncio.Event:
        if self._arrived_on_loop is None:
            arrived = self._arrived_on_loop = asyncio.Event()
            self._wake = lambda: loop.call_soon_threadsafe(arrived.set)
        return self._arrived_on_loop
