"""The queue through which a stream function sends its outputs before it returns."""

from __future__ import annotations

import enum
from typing import Any, Awaitable, Callable


class StreamMsg(enum.Enum):
    """The result of a stream function. ERROR fails the record; outputs already put into the queue are sent."""

    OK = "ok"
    ERROR = "error"


class StreamQueue:
    """The queue of one record of an async stream function."""

    def __init__(self, put: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._put = put
        #: Number of calls of `put` that have not completed.
        self.unfinished = 0

    def put(self, event_dict: dict[str, Any]) -> Awaitable[None]:
        """Sends an output. Await the result: it waits while too many outputs are not stored yet, and raises when the
        record fits neither the declared schema nor the schema of the input."""
        self.unfinished += 1
        return self._finish(event_dict)

    async def _finish(self, event_dict: dict[str, Any]) -> None:
        try:
            await self._put(event_dict)
        finally:
            self.unfinished -= 1


class BlockingStreamQueue:
    """The queue of a stream function that is not async: `put` blocks and must not be awaited."""

    unfinished = 0

    def __init__(self, put: Callable[[dict[str, Any]], None]) -> None:
        self._put = put

    def put(self, event_dict: dict[str, Any]) -> None:
        """Sends an output; blocks while too many outputs are not stored yet. Raises if the record matches none of the
        output schemas."""
        self._put(event_dict)
