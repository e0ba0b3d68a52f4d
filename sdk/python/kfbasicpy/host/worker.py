"""Runs a process function over the records of the inbox.

R1. A sync function processes one record after another outside of a running loop, so it may call asyncio.run.
R2. Returned outputs are sent once all of them are encoded; if one cannot be encoded, none is sent.
R3. Any exception of user code fails its record, including SystemExit and KeyboardInterrupt.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any, Iterator, Optional

from kfbasicpy.avro.error import shown
from kfbasicpy.function.context import Context
from kfbasicpy.function.stream_queue import BlockingStreamQueue, StreamMsg, StreamQueue

from .console import end_lines
from .failure import failure_of
from .frames import END_OF_BATCH, QUIT, Finish, Record
from .inbox import Inbox
from .outbox import Outbox
from .schemas import RecordError, Schemas
from .user_function import UserFunction
from .window import Window

# How long a lane runs async functions that never wait before it yields to other tasks.
_TURN_S = 0.01


class Worker:
    """Processes records until the order to quit, and reports to the outbox."""

    def __init__(self, function: UserFunction, inbox: Inbox, outbox: Outbox, window: Window, schemas: Schemas) -> None:
        self._function = function
        self._inbox = inbox
        self._outbox = outbox
        self._window = window
        self._schemas = schemas

    def run(self, loop: asyncio.AbstractEventLoop, concurrency: int) -> None:
        if not self._function.is_async:
            self._run_sync(loop)
            return
        lanes = [loop.create_task(self._run_lane()) for _ in range(concurrency)]
        while not all(lane.done() for lane in lanes):
            try:
                loop.run_until_complete(asyncio.wait(lanes))
            except (SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
                # Raised by a task that outlived its record: neither a failure of a record nor a reason to exit.
                self._outbox.log("ERROR", f"a background task of user code raised {type(error).__name__}")
        for lane in lanes:
            lane.result()

    def heartbeat(self, record: int) -> None:
        self._outbox.heartbeat(record)

    def side_output(self, record: int, side: str, event: dict[str, Any]) -> None:
        payload = self._schemas.encode_side(side, event)
        self._window.charge(len(payload))
        self._outbox.output(record, side, payload)
        self._outbox.flush()

    def _run_sync(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            item = self._inbox.get()
            if isinstance(item, Record):
                self._process(item, loop)
            elif isinstance(item, Finish):
                self._finish(item.id, loop)
            elif item is END_OF_BATCH:
                self._outbox.flush()
            elif item is QUIT:
                return

    async def _run_lane(self) -> None:
        """One of `concurrency` tasks, each of which processes one record at a time."""
        turn_ends = time.monotonic() + _TURN_S
        while True:
            try:
                item = await self._inbox.next()
                if isinstance(item, Record):
                    await self._process_async(item)
                elif isinstance(item, Finish):
                    await self._finish_async(item.id)
                elif item is END_OF_BATCH:
                    self._outbox.flush()
                elif item is QUIT:
                    self._inbox.put_back(QUIT)
                    return
                if time.monotonic() > turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = time.monotonic() + _TURN_S
            except asyncio.CancelledError:
                # User code cancelled the task it ran in; its record has already failed.
                continue

    def _process(self, record: Record, loop: asyncio.AbstractEventLoop) -> None:
        try:
            event = self._schemas.decode(record)
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
            self._fail(record.id, error)
        else:
            self._complete(record.id, payloads)

    async def _process_async(self, record: Record) -> None:
        try:
            event = self._schemas.decode(record)
            ctx = Context(self, record.id, record.info)
            if self._function.streams:
                queue = StreamQueue(lambda event: self._put(record, event))
                result = await self._function.call(ctx, event, queue)
                if queue.unfinished:
                    raise RecordError(f"{queue.unfinished} call(s) of q.put not awaited")
            else:
                result = self._function.call(ctx, event)
                result = [item async for item in result] if self._function.is_async_generator else await result
            payloads = self._payloads(result, record)
        except BaseException as error:
            self._fail(record.id, error)
        else:
            self._complete(record.id, payloads)

    def _finish(self, order: int, loop: asyncio.AbstractEventLoop) -> None:
        """Runs the function's finish, whose outputs are sent together like those of a record."""
        try:
            result = self._function.finish(Context(self, order))
            if _must_wait(result):
                result = loop.run_until_complete(_waited(result))
            payloads = self._encoded(result)
        except BaseException as error:
            self._fail(order, error)
        else:
            self._complete(order, payloads)
        self._outbox.flush()

    async def _finish_async(self, order: int) -> None:
        try:
            result = self._function.finish(Context(self, order))
            if _must_wait(result):
                result = await _waited(result)
            payloads = self._encoded(result)
        except BaseException as error:
            self._fail(order, error)
        else:
            self._complete(order, payloads)
        self._outbox.flush()

    def _complete(self, record: int, payloads: list[bytes]) -> None:
        end_lines()
        self._outbox.complete(record, payloads)

    def _fail(self, record: int, error: BaseException) -> None:
        end_lines()
        try:
            failure = failure_of(error)
        except BaseException as second:
            # Methods of the AckException raised: its decisions are ignored.
            failure = failure_of(second)
        self._outbox.fail(record, failure)

    def _payloads(self, result: Any, record: Record) -> list[bytes]:
        if result is None:
            return []
        if self._function.streams:
            if result is StreamMsg.OK:
                return []
            what = "StreamMsg.ERROR" if result is StreamMsg.ERROR else f"{shown(result)}, not a StreamMsg; send outputs with q.put"
            raise RecordError(f"the function returned {what}")
        return self._encoded(result, record)

    def _encoded(self, result: Any, record: Optional[Record] = None) -> list[bytes]:
        """What a function returned, encoded; in the schema of the input `record` where it does not fit the declared one."""
        if result is None:
            return []
        if isinstance(result, dict):
            return [self._schemas.encode(result, record)]
        if not isinstance(result, (list, tuple, Iterator)):
            raise RecordError(f"the function returned {shown(result)}; return a dict, several dicts, or None")
        payloads = []
        for index, item in enumerate(result):
            if not isinstance(item, dict):
                raise RecordError(f"output {index} of the function is {shown(item)}, not a dict")
            payloads.append(self._schemas.encode(item, record))
        return payloads

    def _put_blocking(self, record: Record, event: dict[str, Any]) -> None:
        payload = self._schemas.encode(event, record)
        if not self._window.try_acquire(len(payload)):
            self._outbox.flush()
            self._window.acquire_blocking(len(payload))
        self._outbox.output(record.id, "", payload)

    async def _put(self, record: Record, event: dict[str, Any]) -> None:
        payload = self._schemas.encode(event, record)
        if not self._window.try_acquire(len(payload)):
            self._outbox.flush()
            await self._window.acquire(len(payload))
        self._outbox.output(record.id, "", payload)


def _must_wait(result: Any) -> bool:
    return type(result) is not dict and (inspect.isasyncgen(result) or inspect.isawaitable(result))


async def _waited(result: Any) -> Any:
    return [record async for record in result] if inspect.isasyncgen(result) else await result


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
