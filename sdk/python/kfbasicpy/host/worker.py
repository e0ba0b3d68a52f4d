"""Runs a process function over the records of the inbox.

R1. A sync function runs without a running loop, one record after the other, so it may use asyncio.run itself.
R2. Returned outputs are sent only when the whole result is encoded; a failure sends none of them.
R3. Whatever user code raises is the failure of its record, SystemExit and KeyboardInterrupt included.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any, Iterator

from kfbasicpy.avro.error import shown
from kfbasicpy.function.context import Context
from kfbasicpy.function.stream_queue import BlockingStreamQueue, StreamMsg, StreamQueue

from .console import end_lines
from .failure import failure_of
from .frames import END_OF_BATCH, QUIT, Record
from .inbox import Inbox
from .outbox import Outbox
from .schema_book import RecordError, SchemaBook
from .user_function import UserFunction
from .window import Window

# How long async functions that never wait keep other tasks from running.
_TURN_S = 0.01


class Worker:
    """Takes records until the order to quit; outcomes go to the outbox."""

    def __init__(self, function: UserFunction, inbox: Inbox, outbox: Outbox, window: Window, book: SchemaBook) -> None:
        self._function = function
        self._inbox = inbox
        self._outbox = outbox
        self._window = window
        self._book = book

    def run(self, loop: asyncio.AbstractEventLoop, concurrency: int) -> None:
        if not self._function.is_async:
            self._run_sync(loop)
            return
        lanes = [loop.create_task(self._run_lane()) for _ in range(concurrency)]
        while not all(lane.done() for lane in lanes):
            try:
                loop.run_until_complete(asyncio.wait(lanes))
            except (SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
                # Of a task that user code left behind: no record's failure, and not the end either.
                self._outbox.log("ERROR", f"a task of user code ended with {type(error).__name__}")
        for lane in lanes:
            lane.result()

    def heartbeat(self, record: int) -> None:
        self._outbox.heartbeat(record)

    def side_output(self, record: int, side: str, event: dict[str, Any]) -> None:
        payload = self._book.encode_side(side, event)
        self._window.charge(len(payload))
        self._outbox.output(record, side, payload)
        self._outbox.flush()

    def _run_sync(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            item = self._inbox.get()
            if isinstance(item, Record):
                self._process(item, loop)
            elif item is END_OF_BATCH:
                self._outbox.flush()
            elif item is QUIT:
                return

    async def _run_lane(self) -> None:
        """One of `concurrency` tasks that each take a record when they are free."""
        turn_ends = time.monotonic() + _TURN_S
        while True:
            try:
                item = await self._inbox.next()
                if isinstance(item, Record):
                    await self._process_async(item)
                elif item is END_OF_BATCH:
                    self._outbox.flush()
                elif item is QUIT:
                    self._inbox.put_back(QUIT)
                    return
                if time.monotonic() > turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = time.monotonic() + _TURN_S
            except asyncio.CancelledError:
                # User code cancelled the task it ran in, and its record has ended already.
                continue

    def _process(self, record: Record, loop: asyncio.AbstractEventLoop) -> None:
        try:
            event = self._book.decode(record)
            ctx = Context(self, record.id, record.info)
            if self._function.streams:
                queue = BlockingStreamQueue(lambda event: self._put_blocking(record, event))
                result = self._function.call(ctx, event, queue)
            else:
                result = self._function.call(ctx, event)
            if type(result) is not dict and inspect.isawaitable(result):
                result = loop.run_until_complete(_awaited(result))
            payloads = self._payloads(result, record)
        except BaseException as error:
            self._fail(record, error)
        else:
            self._complete(record, payloads)

    async def _process_async(self, record: Record) -> None:
        try:
            event = self._book.decode(record)
            ctx = Context(self, record.id, record.info)
            if self._function.streams:
                queue = StreamQueue(lambda event: self._put(record, event))
                result = await self._function.call(ctx, event, queue)
                if queue.unfinished:
                    raise RecordError(f"{queue.unfinished} call(s) of q.put were not awaited to their end")
            else:
                result = self._function.call(ctx, event)
                result = [item async for item in result] if self._function.is_async_generator else await result
            payloads = self._payloads(result, record)
        except BaseException as error:
            self._fail(record, error)
        else:
            self._complete(record, payloads)

    def _complete(self, record: Record, payloads: list[bytes]) -> None:
        end_lines()
        self._outbox.complete(record.id, payloads)

    def _fail(self, record: Record, error: BaseException) -> None:
        end_lines()
        try:
            failure = failure_of(error)
        except BaseException as second:
            # An AckException whose own methods raise decides nothing.
            failure = failure_of(second)
        self._outbox.fail(record.id, failure)

    def _payloads(self, result: Any, record: Record) -> list[bytes]:
        if result is None:
            return []
        if self._function.streams:
            if result is StreamMsg.OK:
                return []
            what = "StreamMsg.ERROR" if result is StreamMsg.ERROR else f"{shown(result)}, not a StreamMsg; outputs go by q.put"
            raise RecordError(f"the function returned {what}")
        if isinstance(result, dict):
            return [self._book.encode(result, record)]
        if not isinstance(result, (list, tuple, Iterator)):
            raise RecordError(f"the function returned {shown(result)}; it can return a dict, several dicts, or None")
        payloads = []
        for index, item in enumerate(result):
            if not isinstance(item, dict):
                raise RecordError(f"output {index} of the function is {shown(item)}, not a dict")
            payloads.append(self._book.encode(item, record))
        return payloads

    def _put_blocking(self, record: Record, event: dict[str, Any]) -> None:
        payload = self._book.encode(event, record)
        if not self._window.try_acquire(len(payload)):
            self._outbox.flush()
            self._window.acquire_blocking(len(payload))
        self._outbox.output(record.id, "", payload)

    async def _put(self, record: Record, event: dict[str, Any]) -> None:
        payload = self._book.encode(event, record)
        if not self._window.try_acquire(len(payload)):
            self._outbox.flush()
            await self._window.acquire(len(payload))
        self._outbox.output(record.id, "", payload)


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
