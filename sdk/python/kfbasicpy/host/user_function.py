"""One way to call every kind of entry point: function or class, sync or async, with or without a queue."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Optional

from kfbasicpy.function.function import ProcessFunction, StreamProcessFunction
from kfbasicpy.function.open_context import OpenContext

from .failure import failure_of
from .finish import bound_finish, overrides_close, returns_value
from .loader import LoadError


class UserFunction:
    """An opened function. Call it as `call(ctx, event)`, or `call(ctx, event, q)` if it streams."""

    def __init__(
        self, entry: Any, streams: bool, open_context: OpenContext, finish: Any = None, acks_manually: bool = False, schema_in: Optional[str] = None
    ) -> None:
        """Instantiates and opens a class. `finish` is what the code names so; for a class, its `close` takes its place, if it
        returns something or may request acks. Raises LoadError when the entry does not take these arguments."""
        self.acks_manually = acks_manually
        self._object = None
        self._finish: Any = None
        if isinstance(entry, type):
            entry = _attempt(f"{entry.__name__}()", entry)
        if isinstance(entry, (ProcessFunction, StreamProcessFunction)):
            self._object = self._instance = instance = entry
            self.streams = isinstance(instance, StreamProcessFunction)
            if returns_value(instance.close) or (acks_manually and overrides_close(instance)):
                self._finish = lambda _ctx: self._close_once()
            target = instance.process
            # Classes take the event first, plain functions the context.
            self.call: Callable[..., Any] = lambda ctx, event, *queue: target(event, ctx, *queue)
            _attempt("open", lambda: instance.open(schema_in, open_context))
        elif callable(entry):
            self.streams = streams
            target = self.call = entry
            self._finish = bound_finish(finish)
        else:
            raise LoadError(
                f"the entry is a {type(entry).__name__}: it must be a function, or a class that extends "
                "ProcessFunction or StreamProcessFunction"
            )
        self.is_async_generator = inspect.isasyncgenfunction(target)
        self.is_async = self.is_async_generator or inspect.iscoroutinefunction(target)
        _check_parameters(target, ("ctx", "event", "q") if self.streams else ("ctx", "event"))

    @property
    def finishes(self) -> bool:
        """Whether the function gives an aggregate when its replica ends."""
        return self._finish is not None

    def finish(self, ctx: Any) -> Any:
        """The aggregate: a dict, an iterable of dicts or None, or an awaitable of these."""
        return self._finish(ctx)

    def close(self) -> None:
        """Closes a class; does nothing when its aggregate was taken, because that has closed it."""
        instance, self._object = self._object, None
        if instance is not None:
            instance.close()

    def _close_once(self) -> Any:
        instance = self._instance
        self._object = None
        return instance.close()


def _attempt(what: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except BaseException as error:
        failure = failure_of(error)
        raise LoadError(f"{what} failed: {failure['type']}: {failure['message']}", failure.get("trace")) from None


def _check_parameters(target: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    try:
        signature = inspect.signature(target)
    except ValueError:
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        name = getattr(target, "__name__", "the entry")
        raise LoadError(f"{name}{signature} cannot be called with {len(arguments)} arguments: {error}") from None
