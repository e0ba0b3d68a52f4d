"""The context of one attempt of a step."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Optional


class TaskContext:
    """The context of one attempt of a step. Any thread may use it while the task runs.

    `execution`, `flow`, `step` (its index with the path of its items, `3.17`), `task` (`<task namespace>:<name>`), `attempt`
    (from 1) and `metadata` say what runs; `trace_parent` is the W3C trace context of the step, or None; `logger` writes to
    the log of the worker.
    """

    def __init__(self, about: dict[str, Any], heartbeat: Callable[[Any], None], canceled: threading.Event, trace_parent: Optional[str]) -> None:
        self.execution: str = about["execution"]
        self.flow: Optional[str] = about.get("flow")
        self.step: str = about["step"]
        self.task: str = about["task"]
        self.attempt: int = about["attempt"]
        self.metadata: dict[str, Any] = about.get("metadata") or {}
        self.trace_parent = trace_parent
        self.logger = logging.getLogger(self.task)
        self._heartbeat = heartbeat
        self._canceled = canceled

    def heartbeat(self, progress: Any = None) -> None:
        """Tells that the task is alive, and how far it is; the controller shows `progress`, any JSON."""
        self._heartbeat(progress)

    @property
    def is_canceled(self) -> bool:
        """Whether the step is canceled, or its run time is over. A task that goes on is killed after a grace period; an async
        task is canceled at once, as asyncio does."""
        return self._canceled.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits so long, or until the step is canceled; returns whether it is. Blocks the thread."""
        return self._canceled.wait(seconds)
