"""Base classes of functions. `process` may be async; an exception fails the record, which is then retried."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Union

from .context import Context
from .open_context import OpenContext
from .stream_queue import StreamMsg, StreamQueue


class _Function:
    def open(self, schema_in: Optional[str], ctx: OpenContext) -> None:
        """Called once before the first record. `schema_in` is the schema that the records are declared to have, as JSON text;
        None if the inputs of the function have several, or none. A record may have been written with another one."""

    def close(self) -> None:
        """Called once after the last record."""


class ProcessFunction(_Function):
    """A function whose outputs are sent together when it returns."""

    def process(self, event_dict: dict[str, Any], ctx: Context) -> Union[dict[str, Any], Iterable[dict[str, Any]], None]:
        """Processes one record. Returns a dict for one output, an iterable of dicts for several, None for none."""
        raise NotImplementedError


class StreamProcessFunction(_Function):
    """A function whose outputs are sent as it puts them into the queue."""

    async def process(self, event_dict: dict[str, Any], ctx: Context, q: StreamQueue) -> StreamMsg:
        """Processes one record. Sends each output with `await q.put(...)`."""
        raise NotImplementedError
