"""Makes outputs of what a function returns, yields, or puts into its queue.

P1. Outputs of a dict or a list that a function returns are sent with the outcome, all of them or none.
P2. What a generator yields, and what is put into a queue or sent to a side output, is sent at once. It takes room in the
    window, and the function waits while there is none, so nothing grows however much it sends.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Optional

from kfbasicpy.avro.error import shown
from kfbasicpy.avro.plain import is_record
from kfbasicpy.function.stream_queue import StreamMsg

from .frames import Record
from .outbox import Outbox
from .schemas import RecordError, Schemas
from .window import Window


class Outputs:
    """Encodes outputs of records, and sends those that do not wait for the outcome."""

    def __init__(self, outbox: Outbox, window: Window, schemas: Schemas) -> None:
        self._outbox = outbox
        self._window = window
        self._schemas = schemas

    def returned(self, result: Any, record: Optional[Record]) -> list[bytes]:
        """The encoded outputs of a result; those that do not fit the declared schema, in that of the input `record`. Raises RecordError when it is neither a dict, nor a list of dicts, nor None."""
        if result is None:
            return []
        if is_record(result):
            return [self._schemas.encode(result, record)]
        if not isinstance(result, (list, tuple)):
            raise RecordError(
                f"the function returned {shown(result)}; return a dict, a list or a generator of dicts, or None{_forgotten(result)}"
            )
        return [self._encode(index, item, record) for index, item in enumerate(result)]

    def of_stream(self, result: Any) -> None:
        """Checks the result of a function that has a queue. Raises RecordError."""
        if result is None or result is StreamMsg.OK:
            return
        what = "StreamMsg.ERROR" if result is StreamMsg.ERROR else f"{shown(result)}, not a StreamMsg; send outputs with q.put"
        raise RecordError(f"the function returned {what}{_forgotten(result)}")

    def send_each(self, items: Iterator[Any], owner: int, record: Optional[Record]) -> None:
        """Sends what an iterator yields, for the record or the finish `owner`. Waits while there is no room."""
        try:
            for index, item in enumerate(items):
                self._send_blocking(owner, "", self._encode(index, item, record))
        finally:
            # Its own `finally` runs now, not at some time after the end of the record.
            if inspect.isgenerator(items):
                items.close()

    async def send_each_async(self, items: Any, owner: int, record: Optional[Record]) -> None:
        """Sends what an async generator or an iterator yields, for the record or the finish `owner`. Waits while there is
        no room."""
        index = 0
        try:
            if isinstance(items, Iterator):
                for item in items:
                    await self._send(owner, self._encode(index, item, record))
                    index += 1
            else:
                async for item in items:
                    await self._send(owner, self._encode(index, item, record))
                    index += 1
        finally:
            if inspect.isgenerator(items):
                items.close()
            elif inspect.isasyncgen(items):
                await items.aclose()

    def put_blocking(self, event: Any, record: Record) -> None:
        """Sends an output. Blocks the thread while there is no room."""
        self._send_blocking(record.id, "", self._schemas.encode(event, record))

    async def put(self, event: Any, record: Record) -> None:
        """Sends an output. Waits on the running loop while there is no room."""
        await self._send(record.id, self._schemas.encode(event, record))

    def put_side(self, side: str, event: Any, record: int) -> None:
        """Sends a record to a side output, at once. Blocks the thread while there is no room."""
        self._send_blocking(record, side, self._schemas.encode_side(side, event))
        self._outbox.flush()

    def _encode(self, index: int, item: Any, record: Optional[Record]) -> bytes:
        if not is_record(item):
            raise RecordError(f"output {index} of the function is {shown(item)}, not a dict")
        return self._schemas.encode(item, record)

    def _send_blocking(self, record: int, side: str, payload: bytes) -> None:
        if not self._window.try_acquire(len(payload)):
            self._outbox.flush()
            self._window.acquire_blocking(len(payload))
        self._send_acquired(record, side, payload)

    async def _send(self, record: int, payload: bytes) -> None:
        if not self._window.try_acquire(len(payload)):
            self._outbox.flush()
            await self._window.acquire(len(payload))
        self._send_acquired(record, "", payload)

    def _send_acquired(self, record: int, side: str, payload: bytes) -> None:
        try:
            self._outbox.output(record, side, payload)
        except RuntimeError:
            # What is not sent is not given back by the runtime.
            self._window.credit(1, len(payload))
            raise


def _forgotten(result: Any) -> str:
    return "; await it" if inspect.iscoroutine(result) else ""
