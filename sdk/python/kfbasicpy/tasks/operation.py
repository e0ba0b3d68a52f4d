"""An operation: tasks in a line, each with the results of those before."""

from __future__ import annotations

import json
import logging
from typing import Any, Iterable, Optional

from .error import ValidationError
from .log import write
from .operation_run import EMPTY, OperationRun
from .result import Result
from .task import Task
from .tracing import TRACEPARENT, TaskSpan


class Operation(Task):
    """Tasks that run one after the other until one fails. `TASKS` are classes whose required parameters the operation checks
    before it builds anything.

    `execute` runs all tasks in this process. `launch` sends the first one, and each consumer that completes one sends the
    next. Both skip the tasks whose status is SUCCESS, and forward their results.
    """

    TASKS: Iterable[type[Task]] = ()

    def __init__(
        self,
        uuid: Optional[str] = None,
        params: Optional[dict[str, Any]] = None,
        status: str = "PENDING",
        result: Optional[Result] = None,
        metadata: Optional[dict[str, Any]] = None,
        tasks: Optional[Iterable[Task]] = None,
    ) -> None:
        self.tasks: list[Task] = list(tasks or ())
        self._is_built = tasks is not None
        super().__init__(uuid=uuid, params=params, status=status, result=result, metadata=metadata)

    @classmethod
    def new(cls, **kwargs: Any) -> Any:
        """Deprecated: use `build`."""
        return cls(params=cls.parse_inputs(**kwargs))

    @classmethod
    def parse_inputs(cls, **kwargs: Any) -> dict[str, Any]:
        """Deprecated: the parameters, if none is missing. Raises ValidationError."""
        cls._check(kwargs)
        return kwargs

    @classmethod
    def build(cls, **kwargs: Any) -> Any:
        """An operation with these parameters and its tasks. Raises ValidationError if a required parameter is missing, before
        any task exists, and what `prebuild`, `build_tasks` and `finalize` raise."""
        return cls(params=kwargs).complete()

    def complete(self) -> Any:
        """Builds the tasks of an operation that has none yet."""
        if not self._is_built:
            for task in self.compute_tasks(**self.params):
                self.add_task(task)
            self._is_built = True
        return self.finalize() or self

    def compute_tasks(self, **kwargs: Any) -> list[Task]:
        """Checks the parameters and builds tasks, here or for another operation that has them among its own."""
        tasks = list(self.build_tasks(**self._prebuild(**kwargs)))
        write(logging.DEBUG, f"{type(self).__name__}.BuildTasks: {len(tasks)} task(s) found", message=self.to_Message())
        return tasks

    def prebuild(self, **kwargs: Any) -> Optional[dict[str, Any]]:
        """To implement: checks before the tasks are built. Parameters that it returns replace the given ones."""

    def build_tasks(self, **kwargs: Any) -> list[Task]:
        """To implement: the tasks, in their order."""
        return []

    def finalize(self) -> Any:
        """To implement: what follows the build, as to store the operation. Returns the operation."""
        return self

    def add_task(self, task: Task) -> None:
        self.tasks.append(task)
        self._is_built = True

    def set_status(self, status: str, result: Optional[Result] = None) -> Any:
        """Changes the status. Override it to store the status, and call it there."""
        write(
            logging.INFO,
            f"{type(self).__name__}.SetStatus: {self.path}[{self.uuid}] status update '{self.status}' -> '{status}'",
            message=self.to_Message(),
            result=result,
        )
        self.status = status
        if result is not None:
            self.result = result
        return self

    def next(self, task: Task) -> Optional[Task]:
        """The first task after this one that has not succeeded."""
        at = next((at for at, each in enumerate(self.tasks) if each.uuid == task.uuid), len(self.tasks))
        return next((each for each in self.tasks[at + 1 :] if each.status != "SUCCESS"), None)

    def send(self, result: Optional[Result] = None) -> Any:
        """Sends the operation to its topic; a consumer builds and launches it. Returns the operation. Raises TransportError."""
        super().send(result)
        return self

    def launch(self) -> Result:
        """Sends the first task that has not succeeded, with `producer`. The result says what was sent."""
        return self.launch_next()

    def launch_next(self, task: Optional[Task] = None, result: Optional[Result] = None) -> Result:
        """Stores the result of a task, and sends the next one; after the last one, or one that failed, the operation ends. A
        consumer does this for each task that it completes. Raises TransportError."""
        if not self.tasks:
            return Result(uuid=self.uuid, retcode=1, stderr=EMPTY)
        if self.status == "PENDING":
            self.set_status("RUNNING")
        run = OperationRun.begin(self.required_producer(), self, 0)
        if task is None and run.state["status"] == "FAILED":
            run.resume(0)
        if task is not None:
            index = next((at for at, each in enumerate(self.tasks) if each.uuid == task.uuid), None)
            if index is None:
                raise ValidationError(f"task {task.uuid}: is none of {self.path}[{self.uuid}]")
            run.complete(index, result or task.result, task.metadata)
        sent = run.advance(lambda status, final: self.end(run, status, final))
        return sent or run.result

    def begin(self, is_built: bool) -> None:
        """What precedes the first task of an operation that a message asked for: builds the tasks unless that was done, checks
        the parameters, and changes the status to RUNNING. Raises what these raise."""
        span = TaskSpan(self.path, self.metadata.get(TRACEPARENT))
        self._begin_span(span)
        try:
            self._is_built = is_built
            self._assert_initialized()
            self._prerun()
            self.set_status("RUNNING")
        finally:
            span.end(self.path, self.uuid, self.result)

    def fail(self, result: Result) -> Result:
        """Ends an operation of which no task can run. Returns its final result."""
        self.tasks = []
        return self._onerror(result)

    def end(self, run: OperationRun, status: str, result: Result) -> None:
        """The last task has ended: calls the hooks of the operation, and stores the outcome."""
        if run.is_ended:
            return
        final = self._onsuccess(result) if status == "SUCCESS" else self._onerror(result)
        run.end(status, final)

    def run(self) -> Result:
        result = self.result
        for task in self.tasks:
            if task.status == "SUCCESS":
                result = Result(uuid=task.uuid) + result + task.result
                continue
            task.metadata = {**self.metadata, **task.metadata}
            result = task.execute(result)
            self.metadata = {**self.metadata, **task.metadata}
            if result.retcode != 0:
                break
        return result if self.tasks else Result(uuid=self.uuid, retcode=1, stderr=EMPTY)

    def _begin_span(self, span: TaskSpan) -> None:
        self.metadata = {**self.metadata, TRACEPARENT: span.traceparent}

    def _prerun(self) -> None:
        if not self._is_built:
            self.complete()
        super()._prerun()

    def _run(self) -> Result:
        self.set_status("RUNNING")
        return self.run()

    def _fold(self, result: Result) -> Result:
        return Result(uuid=result.uuid) + self.result + result

    def _ended(self, status: str, result: Result) -> None:
        self.set_status(status, result)

    @classmethod
    def _check(cls, params: dict[str, Any]) -> None:
        for owner in (cls, *cls.TASKS):
            for field in owner.REQUIRED_FIELDS:
                if field not in params:
                    raise ValidationError(f"Missing parameter: {field} for {owner.path}")

    def _prebuild(self, **kwargs: Any) -> dict[str, Any]:
        self._check(kwargs)
        shown = json.dumps(kwargs, default=str)
        write(
            logging.DEBUG,
            f"{type(self).__name__}.PreBuild: {self.path}[{self.uuid}]: {shown}",
            message=self.to_Message(),
        )
        return self.prebuild(**kwargs) or kwargs
