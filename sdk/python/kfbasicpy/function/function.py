"""Base classes of functions. `process` may be async; what it raises fails the record, and the record comes again."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Union

from .context import Context
from .open_context import OpenContext
from .stream_queue import StreamMsg, StreamQueue


class _Function:
    def open(self, schema_in: Optional[str], ctx: OpenContext) -> None:
        """Called once before the first record. `schema_in` is None: each record names its own writer's schema."""

    def close(self) -> None:
        """Called once after the last record."""


class ProcessFunction(_Function):
    """A function whose outputs leave together when it returns."""

    def process(self, event_dict: dict[str, Any], ctx: Context) -> Union[dict[str, Any], Iterable[dict[str, Any]], None]:
        """One record in; a dict is one output, an iterable of dicts is several, None is none."""
        raise NotImplementedError


class StreamProcessFunction(_Function):
    """A function whose outputs leave as it puts them into the queue."""

    async def process(self, event_dict: dict[str, Any], ctx: Context, q: StreamQueue) -> StreamMsg:
        """One record in; outputs go by `await q.put(...)`."""
        raise NotImplementedError
