"""Runs a source function: its records leave in slices, one for each request.

S1. A request is answered once: when the slice is full, when the function pauses (by the flusher), or when it is used up.
S2. Records made after the answer wait for the next request; the function is not asked for more meanwhile.
S3. A failure is told after the records that came before it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from typing import Any, Callable, Iterator, Optional

from kfbasicpy.avro.error import shown
from kfbasicpy.function.open_context import OpenContext

from . import frames
from .console import end_lines
from .failure import failure_of
from .inbox import Inbox
from .loader import LoadError
from .outbox import Outbox
from .schema_book import RecordError, SchemaBook

_SLICE_RECORDS = 1024
_SLICE_BYTES = 1 << 20
_USED_UP = object()


class Source:
    """Answers requests until the order to quit. A function that returns a list is called again for more; a generator,
    or None, is the source's end."""

    def __init__(self, entry: Any, ctx: OpenContext, outbox: Outbox, book: SchemaBook) -> None:
        """Raises LoadError when the entry needs more than a context."""
        self._call = _bound(entry, ctx)
        self._outbox = outbox
        self._book = book
        self._lock = threading.Lock()
        self._request: Optional[int] = None
        self._slice: list[bytes] = []
        self._slice_bytes = 0
        self._records: Optional[Iterator[Any]] = None
        self._ends = False
        self._ended = False
        self._failure: Optional[dict[str, Any]] = None
        outbox.before_flush = self._answer

    def run(self, inbox: Inbox, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            item = inbox.get()
            if item is frames.QUIT:
                return
            if isinstance(item, frames.Produce):
                self._request = item.request
                self._produce(loop)

    def _produce(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self._request is not None:
                if self._ended or self._failure or self._slice_bytes >= _SLICE_BYTES or len(self._slice) >= _SLICE_RECORDS:
                    self._answer(used_up=True)
                elif not self._take(loop):
                    self._answer(used_up=True)
        except BaseException as error:
            self._records = None
            self._failure = failure_of(error)
            self._answer(used_up=True)

    def _take(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Makes one record; False when there are no more of this call of the function."""
        if self._records is None:
            self._records, self._ends = _open(self._call(), loop)
        event = next(self._records, _USED_UP)
        end_lines()
        if event is _USED_UP:
            self._records = None
            self._ended = self._ends
            return False
        if not isinstance(event, dict):
            raise RecordError(f"the source gave {shown(event)}, not a dict")
        payload = self._book.encode(event)
        with self._lock:
            self._slice.append(payload)
            self._slice_bytes += len(payload)
        self._outbox.wake_flusher()
        return True

    def _answer(self, used_up: bool = False) -> None:
        """Answers the open request, if there is one and there is something to say; the flusher calls it too."""
        with self._lock:
            request, payloads = self._request, self._slice
            if request is None or not (payloads or used_up):
                return
            self._request, self._slice, self._slice_bytes = None, [], 0
        if payloads or self._failure is None:
            self._outbox.send(b"G", frames.source_slice(request, self._ended, self._ends, payloads))
            return
        failure, self._failure = self._failure, None
        self._outbox.send(b"E", [json.dumps({"request": request, "failure": failure}).encode()])


def _bound(entry: Any, ctx: OpenContext) -> Callable[[], Any]:
    if not callable(entry):
        raise LoadError(f"the entry is a {type(entry).__name__}, not a function")
    signature = inspect.signature(entry)
    for arguments in ((), (ctx,)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return lambda: entry(*arguments)
    raise LoadError(f"{getattr(entry, '__name__', 'the entry')}{signature} of a source can take a context, and nothing else")


def _open(result: Any, loop: asyncio.AbstractEventLoop) -> tuple[Iterator[Any], bool]:
    """The records of one call's result, and whether their end is the source's."""
    if inspect.isawaitable(result):
        result = loop.run_until_complete(_awaited(result))
    if result is None:
        return iter(()), True
    if isinstance(result, dict):
        return iter((result,)), False
    if isinstance(result, (list, tuple)):
        return iter(result), False
    if inspect.isasyncgen(result):
        return _steps(result, loop), True
    if isinstance(result, Iterator):
        return result, True
    raise RecordError(f"the source returned {shown(result)}; it can return a list of dicts, a generator, or None at its end")


def _steps(records: Any, loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    while True:
        try:
            yield loop.run_until_complete(_awaited(records.__anext__()))
        except StopAsyncIteration:
            return


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
