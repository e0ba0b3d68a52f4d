"""The functions of a task worker, called as one function: its records are calls of tasks, `{json}`, and so are its outputs,
`{json}` of `{output}`.

T1. A task that is not async runs in a thread of its own, so that as many run as the worker has slots.
T2. A cancel sets the event of the task's context; an async task is canceled, too.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional

from kfbasicpy.function.context import Context
from kfbasicpy.task.context import TaskContext
from kfbasicpy.task.errors import TerminalError
from kfbasicpy.task.json_text import json_text

from .outbox import current_record


class TaskFunctions:
    """Has the attributes of a UserFunction by which a Worker runs it."""

    streams = False
    is_async = True
    finishes = False
    acks_manually = False

    def __init__(self, functions: dict[str, Callable[..., Any]], slots: int) -> None:
        self._functions = functions
        self._threads = ThreadPoolExecutor(slots, "kflow-task")
        self._running: dict[int, _Call] = {}

    async def call(self, ctx: Context, event: dict[str, Any]) -> dict[str, Any]:
        call = json.loads(event["json"])
        record = current_record.get() or 0
        running = _Call(asyncio.get_running_loop())
        self._running[record] = running
        try:
            about = TaskContext(call["about"], _heartbeat_of(ctx), running.canceled, ctx.trace_parent)
            output = await self._run(self._functions[call["task"]], about, call, running)
        finally:
            del self._running[record]
        return {"json": "{}" if output is None else f'{{"output":{_output_text(output)}}}'}

    def cancel(self, record: int) -> None:
        """Called by the reader's thread."""
        running = self._running.get(record)
        if running is not None:
            running.cancel()

    def finish(self, _ctx: Any) -> None:
        """A worker has no aggregate."""

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    async def _run(self, function: Callable[..., Any], ctx: TaskContext, call: dict[str, Any], running: _Call) -> Any:
        positional, named = _arguments(function, call.get("parameters"))
        arguments = (ctx, call.get("input"), *positional)
        if inspect.iscoroutinefunction(function):
            return await running.awaited(function(*arguments, **named))
        context = contextvars.copy_context()
        output = await running.loop.run_in_executor(self._threads, lambda: context.run(function, *arguments, **named))
        return await running.awaited(output) if inspect.isawaitable(output) else output


class _Call:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.canceled = threading.Event()
        self._task: Optional[asyncio.Future[Any]] = None

    async def awaited(self, result: Any) -> Any:
        """The result of an awaitable. Raises TerminalError when a cancel has ended it."""
        self._task = asyncio.ensure_future(result)
        if self.canceled.is_set():
            self._task.cancel()
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self.canceled.is_set():
                raise
            raise TerminalError("the task was canceled", code="canceled") from None

    def cancel(self) -> None:
        self.canceled.set()
        if self._task is not None:
            self.loop.call_soon_threadsafe(self._task.cancel)


def _heartbeat_of(ctx: Context) -> Callable[[Any], None]:
    def heartbeat(progress: Any) -> None:
        text = "{}" if progress is None else f'{{"progress":{json_text("progress", progress)}}}'
        ctx.to_side_stream("progress", {"json": text})

    return heartbeat


def _output_text(output: Any) -> str:
    try:
        return json_text("output", output)
    except (TypeError, ValueError) as error:
        raise TerminalError(str(error), code="output-invalid") from None


def _arguments(function: Callable[..., Any], parameters: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The parameters of a call: a map by name, as far as the function takes the names, and anything else by position."""
    if parameters is None:
        return (), {}
    if not isinstance(parameters, dict):
        return (parameters,), {}
    declared = inspect.signature(function).parameters.values()
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in declared):
        return (), parameters
    names = {each.name for each in list(declared)[2:]}
    return (), {name: value for name, value in parameters.items() if name in names}
