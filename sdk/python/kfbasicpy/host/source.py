"""Runs a source function and sends its records in slices, one per request.

S1. A request has one response: when the slice is full, when the function pauses (sent by the flusher), or when the
    function returns no more records.
S2. A record produced after the response waits for the next request, and so does the function.
S3. A failure is reported after the records that precede it.
S4. A record that does not fit takes its place among the others, with the reason: it is no failure of the function.
S5. The first response for a generator has no records: it says that a generator runs, before the first record is there.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from typing import Any, Callable, Iterator, Optional

from kfbasicpy.avro.error import shown
from kfbasicpy.avro.plain import is_record
from kfbasicpy.function.open_context import OpenContext

from . import frames
from .awaiting import awaited, steps
from .console import end_lines
from .failure import failure_of
from .inbox import Inbox
from .loader import LoadError
from .outbox import Outbox
from .schemas import RecordError, Schemas

SLICE_RECORDS = 1024
SLICE_BYTES = 1 << 20
# Longest text of a record that does not fit, in characters.
_MAX_SHOWN = 64 << 10
_EXHAUSTED = object()


class Source:
    """Responds to requests until the order to quit. A function that returns a list is called again; the source ends with
    a generator's last record, or when the function returns None."""

    def __init__(self, entry: Any, ctx: OpenContext, outbox: Outbox, schemas: Schemas) -> None:
        """Raises LoadError when the entry requires arguments other than a context."""
        self._call = _bound(entry, ctx)
        self._outbox = outbox
        self._schemas = schemas
        self._lock = threading.Lock()
        self._request: Optional[int] = None
        self._slice: list[bytes | frames.Misfit] = []
        self._slice_bytes = 0
        self._records: Optional[Iterator[Any]] = None
        self._ends = False
        self._repeatable = False
        self._ended = False
        self._failure: Optional[dict[str, Any]] = None
        outbox.before_flush = self._respond

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
                if self._ended or self._failure or self._slice_bytes >= SLICE_BYTES or len(self._slice) >= SLICE_RECORDS:
                    self._respond(exhausted=True)
                elif not self._take(loop):
                    self._respond(exhausted=True)
        except BaseException as error:
            self._records = None
            self._failure = failure_of(error)
            self._respond(exhausted=True)

    def _take(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Produces one record; False when this call of the function has no more."""
        if self._records is None:
            self._records, self._ends, self._repeatable = _open(self._call(), loop)
            if self._repeatable:
                return False  # S5
        event = next(self._records, _EXHAUSTED)
        end_lines()
        if event is _EXHAUSTED:
            self._records = None
            self._ended = self._ends
            return False
        record = produced(event, self._schemas)
        with self._lock:
            self._slice.append(record)
            self._slice_bytes += size_of(record)
        self._outbox.wake_flusher()
        return True

    def _respond(self, exhausted: bool = False) -> None:
        """Responds to the open request, if there is one, with the records so far. The flusher calls it too."""
        with self._lock:
            request, records = self._request, self._slice
            if request is None or not (records or exhausted):
                return
            self._request, self._slice, self._slice_bytes = None, [], 0
        if records or self._failure is None:
            # A list that has just ended may still count as open here: the next response is then empty.
            has_more = not self._repeatable and self._records is not None
            self._outbox.send(b"G", frames.source_slice(request, self._ended, self._repeatable, has_more, records))
            return
        failure, self._failure = self._failure, None
        self._outbox.send(b"E", [json.dumps({"request": request, "failure": failure}).encode()])


def produced(event: Any, schemas: Schemas) -> bytes | frames.Misfit:
    """A record in its encoding, or what is told of one that does not fit."""
    try:
        if not is_record(event):
            raise RecordError(f"the source returned {shown(event)}, not a dict")
        return schemas.encode(event)
    except RecordError as error:
        return frames.Misfit(json.dumps({"failure": failure_of(error), "record": _json_text(event)}).encode())


def size_of(record: bytes | frames.Misfit) -> int:
    return len(record.body if isinstance(record, frames.Misfit) else record)


def _json_text(event: Any) -> str:
    """A record as JSON; one that has no JSON, or a long one, as a text about it."""
    try:
        text = _dumped(event)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"the record has no JSON: {error}")
    return text if len(text) <= _MAX_SHOWN else json.dumps(f"{text[:1000]}... ({len(text):,} characters)")


def _dumped(event: Any) -> str:
    try:
        return json.dumps(event, default=shown, allow_nan=False)
    except ValueError:
        # NaN and the infinities, which JSON does not have, become text; a circular reference raises again.
        return json.dumps(json.loads(json.dumps(event, default=shown), parse_constant=str))


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
    raise LoadError(f"{getattr(entry, '__name__', 'the entry')}{signature} cannot be called: a source takes no arguments, or a context")


def _open(result: Any, loop: asyncio.AbstractEventLoop) -> tuple[Iterator[Any], bool, bool]:
    """The records that one call returned, whether the source ends with them, and whether another run yields them again."""
    if inspect.isawaitable(result):
        result = loop.run_until_complete(awaited(result))
    if result is None:
        return iter(()), True, False
    if is_record(result):
        return iter((result,)), False, False
    if isinstance(result, (list, tuple)):
        return iter(result), False, False
    if inspect.isasyncgen(result):
        return steps(result, loop), True, True
    if isinstance(result, Iterator):
        return result, True, True
    raise RecordError(f"the source returned {shown(result)}; return a list of dicts, a generator, or None to end")
