"""Runs a process function over the records of the inbox.

R1. A sync function processes one record after another outside of a running loop, so it may call asyncio.run.
R2. Any exception of user code fails its record, including SystemExit and KeyboardInterrupt.
R3. Nothing that user code does to its event loop ends the worker.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterator
from typing import Any, Optional

from kfbasicpy.function.context import Context
from kfbasicpy.function.stream_queue import BlockingStreamQueue, StreamQueue

from .awaiting import awaited, steps
from .console import end_lines
from .failure import failure_of
from .frames import END_OF_BATCH, QUIT, Finish, Record
from .inbox import Inbox
from .outbox import Outbox, current_record
from .outputs import Outputs
from .schemas import RecordError, Schemas
from .task_functions import TaskFunctions
from .user_function import UserFunction

# How long a lane runs async functions that never wait before it yields to other tasks.
_TURN_S = 0.01


class Worker:
    """Processes records until the order to quit, and reports to the outbox."""

    def __init__(
        self, function: UserFunction | TaskFunctions, inbox: Inbox, outbox: Outbox, outputs: Outputs, schemas: Schemas, is_prompt: bool = False
    ) -> None:
        """With `is_prompt`, each outcome is sent at once, instead of with those that follow within milliseconds."""
        self._is_prompt = is_prompt
        self._function = function
        self._inbox = inbox
        self._outbox = outbox
        self._outputs = outputs
        self._schemas = schemas
        self._is_told = False

    def run(self, loop: asyncio.AbstractEventLoop, concurrency: int) -> None:
        if not self._function.is_async:
            self._run_sync(loop)
            return
        lanes = [loop.create_task(self._run_lane()) for _ in range(concurrency)]
        while not all(lane.done() for lane in lanes):
            try:
                loop.run_until_complete(asyncio.wait(lanes))
            except BaseException as error:
                if loop.is_closed():
                    raise
                # Raised by a task that outlived its record, or by `loop.stop`: neither a failure of a record nor a reason to exit.
                self._outbox.log("ERROR", f"a background task of user code raised {type(error).__name__}: {failure_of(error)['message']}")
        for lane in lanes:
            lane.result()

    def heartbeat(self, record: int) -> None:
        self._outbox.heartbeat(record)

    def side_output(self, record: int, side: str, event: dict[str, Any]) -> None:
        self._outputs.put_side(side, event, record)

    def request_ack(self, record: int) -> None:
        if self._function.acks_manually:
            self._outbox.request_ack(record)
        elif not self._is_told:
            self._is_told = True
            self._outbox.log("WARNING", "ctx.request_ack has no effect; set meta.ack: manual")

    def new_record(self, side: Optional[str]) -> dict[str, Any]:
        return self._schemas.new_record(side)

    def _run_sync(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            item = self._inbox.get()
            if isinstance(item, Record):
                if loop.is_closed():
                    loop = asyncio.new_event_loop()
                    asyncio.set_event_loop(loop)
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
        self._outbox.begin(record.id)
        try:
            event = self._schemas.decode(record)
            ctx = Context(self, record.id, record.info, record.trace)
            if self._function.streams:
                queue = BlockingStreamQueue(lambda event: self._outputs.put_blocking(event, record))
                result = self._function.call(ctx, event, queue)
            else:
                result = self._function.call(ctx, event)
            payloads = self._payloads(result, record.id, record, loop)
        except BaseException as error:
            self._fail(record.id, error)
        else:
            self._complete(record.id, payloads)

    async def _process_async(self, record: Record) -> None:
        self._outbox.begin(record.id)
        current_record.set(record.id)
        try:
            event = self._schemas.decode(record)
            ctx = Context(self, record.id, record.info, record.trace)
            if self._function.streams:
                queue = StreamQueue(lambda event: self._outputs.put(event, record))
                self._outputs.of_stream(await self._function.call(ctx, event, queue))
                if queue.unfinished:
                    raise RecordError(f"{queue.unfinished} call(s) of q.put not awaited")
                payloads = []
            else:
                result = self._function.call(ctx, event)
                payloads = await self._payloads_async(result, record.id, record)
        except BaseException as error:
            self._fail(record.id, error)
        else:
            self._complete(record.id, payloads)

    def _finish(self, order: int, loop: asyncio.AbstractEventLoop) -> None:
        """Runs the function's finish, whose outputs are sent like those of a record."""
        self._outbox.begin(order)
        try:
            payloads = self._payloads(self._function.finish(Context(self, order)), order, None, loop)
        except BaseException as error:
            self._fail(order, error)
        else:
            self._complete(order, payloads)
        self._outbox.flush()

    async def _finish_async(self, order: int) -> None:
        self._outbox.begin(order)
        current_record.set(order)
        try:
            payloads = await self._payloads_async(self._function.finish(Context(self, order)), order, None)
        except BaseException as error:
            self._fail(order, error)
        else:
            self._complete(order, payloads)
        self._outbox.flush()

    def _payloads(self, result: Any, owner: int, record: Optional[Record], loop: asyncio.AbstractEventLoop) -> list[bytes]:
        """The outputs to send with the outcome; what a generator yields is sent before."""
        is_stream = self._function.streams and record is not None
        if type(result) is dict and not is_stream:
            return [self._schemas.encode(result, record)]
        if inspect.isawaitable(result):
            result = loop.run_until_complete(awaited(result))
        if inspect.isasyncgen(result):
            result = steps(result, loop)
        if is_stream:
            self._outputs.of_stream(result)
            return []
        if isinstance(result, Iterator):
            self._outputs.send_each(result, owner, record)
            return []
        return self._outputs.returned(result, record)

    async def _payloads_async(self, result: Any, owner: int, record: Optional[Record]) -> list[bytes]:
        if inspect.isawaitable(result):
            result = await result
        if type(result) is dict:
            return self._outputs.returned(result, record)
        if isinstance(result, Iterator) or inspect.isasyncgen(result):
            await self._outputs.send_each_async(result, owner, record)
            return []
        return self._outputs.returned(result, record)

    def _complete(self, record: int, payloads: list[bytes]) -> None:
        end_lines()
        self._outbox.complete(record, payloads)
        if self._is_prompt:
            self._outbox.flush()

    def _fail(self, record: int, error: BaseException) -> None:
        end_lines()
        self._outbox.fail(record, _failure_of(error))
        if self._is_prompt:
            self._outbox.flush()


def _failure_of(error: BaseException) -> dict[str, Any]:
    """The failure of any exception, also one whose methods raise: the decisions of such an AckException are ignored."""
    for _ in range(3):
        try:
            return failure_of(error)
        except BaseException as second:
            error = second
    return {"type": type(error).__name__, "message": "the methods of the exception raise exceptions whose methods raise"}
