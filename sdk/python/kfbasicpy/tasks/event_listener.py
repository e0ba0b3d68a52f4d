"""A task worker as a listener to events: `start-task` asks for a task, and `end-task` reports its result. docs/task-protocol.md
has the messages that these stand for."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from typing import Any, Mapping, Optional, Sequence

from kfbasicpy.task.json_text import json_text

from .error import TransportError
from .log import logger
from .task_channel import HeldTask, TaskChannel

_GRACE = 25.0
"""Seconds that an event may still be processed after a stop; KFLOW_SHUTDOWN_TIMEOUT overrides it."""
_POLL = 0.5
"""Seconds that a request for a task waits: as long as it takes, at most, until a stop is seen."""


def message(event: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The event with its kind."""
    return {**event, "kind": kind}


def receipt_for(event_id: str) -> dict[str, Any]:
    """The event that says that an event is being processed."""
    return {"kind": "receipt", "for": event_id, "action": "processed"}


class EventListener:
    """Takes the `start-task` events of a task namespace, one after the other, and calls `process` with each. A subclass reports
    the result with `append`, at once or later, from any thread.

    I1. A task is acked after its `end-task` is stored: one that nobody ends is delivered to another listener when this one is gone.
    """

    def __init__(
        self,
        key: str,
        group: str,
        select: Optional[Sequence[str]] = None,
        host: Optional[str] = None,
        port: Optional[int] = None,
        username: Optional[str] = None,
        password: Optional[str] = None,
        pool: Any = None,
    ) -> None:
        """`group` is the task namespace; all listeners with the same share its tasks. `host` and `port` are those of nats; by
        default, KFLOW_NATS_URL and the other variables of consumers count. `key` and `pool` have no effect. Raises ValueError
        for a `select` with other kinds than `start-task`."""
        others = sorted(set(select or []) - {"start-task"})
        if others:
            raise ValueError(f"EventListener: want the kind start-task, got {', '.join(others)}")
        self._group = group
        self._url = None if host is None else f"nats://{host}:{port or 4222}"
        self._login = {name: value for name, value in (("user", username), ("password", password)) if value is not None}
        self._channel: Optional[TaskChannel] = None
        self._held: dict[tuple[str, str], HeldTask] = {}
        self._is_stopped = threading.Event()

    def process(self, event_id: str, event: dict[str, Any]) -> bool:
        """Processes a `start-task` event: `workflow`, `name`, `base` (the task after aliases), `index`, `input`, `parameters` and
        `attempt`. False: the task is none of this listener, and goes to another one. What is raised fails the task."""
        raise NotImplementedError

    def append(self, event: Mapping[str, Any]) -> None:
        """Sends a receipt, or an `end-task`: `workflow`, `index`, and optionally `status` (SUCCESS by default, any other is a
        failure), `reason` and `output`. Returns when it is stored. An `end-task` of a task that has ended has no effect."""
        kind = event.get("kind")
        if kind == "receipt":
            for held in list(self._held.values()):
                if held.id == event.get("for"):
                    held.report({"kind": "receipt"})
        elif kind == "end-task":
            held = self._held.pop((str(event["workflow"]), str(event["index"])), None)
            if held is not None:
                self._end(held, event)
        else:
            raise ValueError(f"EventListener: want a receipt or an end-task, got {kind!r}")

    def listen(self) -> None:
        """Takes events until `stop`, SIGTERM or SIGINT. Raises TransportError when nats cannot be reached. Where `process` does not
        return within the grace period, in the main thread, the process ends."""
        self._channel = TaskChannel(self._group, self._url, self._login)
        self._handle_signals()
        has_ended = threading.Event()
        is_main = threading.current_thread() is threading.main_thread()
        threading.Thread(target=self._limit, args=(self._channel, has_ended, is_main), daemon=True).start()
        try:
            while not self._is_stopped.is_set():
                try:
                    held = self._channel.next(_POLL)
                    if held is not None:
                        self._take(held)
                except TransportError as error:
                    logger.warning("EventListener: %s; the task is delivered again", error)
                    self._is_stopped.wait(_POLL)
        finally:
            has_ended.set()
            self._is_stopped.set()
            self._channel.close()

    def stop(self) -> None:
        """Ends `listen` after the current event. After the grace period, its task is given back."""
        self._is_stopped.set()

    def _limit(self, channel: TaskChannel, has_ended: threading.Event, is_main: bool) -> None:
        self._is_stopped.wait()
        if has_ended.wait(float(os.environ.get("KFLOW_SHUTDOWN_TIMEOUT") or _GRACE)):
            return
        logger.warning("EventListener: an event is still being processed; its task is given back")
        for place, held in list(self._held.items()):
            if self._popped(place, held):
                with contextlib.suppress(TransportError):
                    held.give_back(0)
        if is_main:
            channel.close()
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)

    def _take(self, held: HeldTask) -> None:
        for other, each in list(self._held.items()):
            if each.is_canceled:
                self._popped(other, each)
        place = (held.task["execution"], held.task["step"])
        self._held[place] = held
        try:
            is_own = self.process(held.id, _event_of(held.task))
        except Exception as error:
            if self._popped(place, held):
                held.end({"kind": "failed", "error": {"code": type(error).__name__, "message": str(error)}})
            else:
                logger.error("EventListener: task %s has ended, and then raised", held.id, exc_info=error)
            return
        if not is_own and self._popped(place, held):
            held.give_back(1.0)

    def _popped(self, place: tuple[str, str], held: HeldTask) -> bool:
        """Whether nobody has ended the task."""
        is_held = self._held.get(place) is held
        if is_held:
            del self._held[place]
        return is_held

    def _end(self, held: HeldTask, event: Mapping[str, Any]) -> None:
        status, output = event.get("status") or "SUCCESS", event.get("output")
        if status != "SUCCESS":
            held.end({"kind": "failed", "error": {"code": str(status), "message": str(event.get("reason") or "")}})
            return
        try:
            json_text("output", output).encode()
        except (TypeError, ValueError) as error:
            held.end({"kind": "failed", "error": {"code": "output-invalid", "message": str(error), "isTerminal": True}})
        else:
            held.end({"kind": "succeeded", **({} if output is None else {"output": output})})

    def _handle_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: self.stop())


def _event_of(task: Mapping[str, Any]) -> dict[str, Any]:
    event = {
        "kind": "start-task",
        "workflow": task["execution"],
        "name": task["name"],
        "base": task["task"],
        "index": task["step"],
        "attempt": task["attempt"],
        "parameters": task.get("parameters") or {},
    }
    return event if task.get("input") is None else {**event, "input": task["input"]}
