"""How a stream function gives its outputs one by one, before it returns."""

from __future__ import annotations

import enum
from typing import Any, Awaitable, Callable


class StreamMsg(enum.Enum):
    """What a stream function returns. ERROR fails the record; what was put stays put."""

    OK = "ok"
    ERROR = "error"


class StreamQueue:
    """Outputs of one record of an async stream function."""

    def __init__(self, put: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._put = put
        #: Puts that were called and have not been awaited to their end.
        self.unfinished = 0

    def put(self, event_dict: dict[str, Any]) -> Awaitable[None]:
        """Sends an output; to be awaited: it waits while too many outputs are not stored yet. Raises when the record
        fits neither the declared schema nor the input's."""
        self.unfinished += 1
        return self._finish(event_dict)

    async def _finish(self, event_dict: dict[str, Any]) -> None:
        try:
            await self._put(event_dict)
        finally:
            self.unfinished -= 1


class BlockingStreamQueue:
    """What a stream function gets that is not async: `put` blocks, and is not awaited."""

    unfinished = 0

    def __init__(self, put: Callable[[dict[str, Any]], None]) -> None:
        self._put = put

    def put(self, event_dict: dict[str, Any]) -> None:
        """Sends an output; blocks while too many outputs are not stored yet. Raises when the record does not fit."""
        self._put(event_dict)
