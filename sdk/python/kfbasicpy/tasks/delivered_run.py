"""Runs what a delivered message asks for, and stores what follows from it before the message is acked."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Optional

from .controller import Controller
from .entrypoint import Entrypoint
from .error import NotFoundError, OperationError, PayloadError, TransportError, ValidationError
from .operation import Operation
from .operation_run import EMPTY, PLACE, OperationRun
from .producer import Producer
from .result import Result
from .schemas import Message
from .task import Task
from .transport import Delivery

_KEY = re.compile(r"[A-Za-z0-9_=-]+")

MAX_DELIVERIES = 5
"""A message that so many consumers have died of is failed by the next one."""


class DeliveredRun:
    """Raises TransportError where the message has to be delivered again."""

    def __init__(self, controller: Controller, producer: Producer, delivery: Delivery) -> None:
        self._controller = controller
        self._producer = producer
        self._delivery = delivery

    def run(self, message: Message) -> Optional[Result]:
        """The result of what was done; None if it was done before."""
        place = message.metadata.get(PLACE)
        if isinstance(place, dict) and "index" in place:
            return self._run_task(message, place)
        if isinstance(place, dict):
            return self._end_operation(message)
        try:
            kind = self._controller.find(message)
        except ValidationError as error:
            return self._answer(message, Result.from_exception(error, message.uuid))
        if issubclass(kind, Operation):
            return self._run_operation(kind, message)
        return self._answer(message, self._execute(message))

    def _answer(self, message: Message, result: Result) -> Result:
        id = f"{self._delivery.topic}/{self._delivery.sequence}/result"
        try:
            self._publish_result(message, result, id)
        except PayloadError as error:
            result = Result.from_exception(error, message.uuid)
            self._publish_result(message, result, id)
        return self._controller.settle(message, result)

    def _execute(self, message: Message) -> Result:
        """Changes the metadata of the message to that which the task leaves."""
        try:
            if self._delivery.deliveries > MAX_DELIVERIES:
                deliveries = self._delivery.deliveries - 1
                raise OperationError(f"worker lost: {deliveries} consumers ended without a result of this message")
            task = self._controller.find(message).from_Message(message)
            self._adopt(task, self._delivery.topic)
            result = task.execute()
            # what cannot be stored fails the task, which would be run again otherwise
            json.dumps([result.to_json(), task.metadata], allow_nan=False)
            message.metadata = task.metadata
            return result
        except Exception as error:
            return Result.from_exception(error, message.uuid)

    def _run_task(self, message: Message, place: dict[str, Any]) -> Optional[Result]:
        run = OperationRun.load(self._producer, place["uuid"])
        if run is None:
            error = NotFoundError(f"operation {place['uuid']}: has no state, so its task is not run")
            return self._controller.settle(message, Result.from_exception(error, message.uuid))
        index, number = place["index"], place["run"]
        result = None
        if run.take(index, self._delivery.sequence, number):
            result = self._execute(message)
            try:
                run.complete(index, result, message.metadata)
            except PayloadError as error:
                result = Result.from_exception(error, message.uuid)
                run.complete(index, result, {})
            self._publish_result(message, result, f"{run.state['uuid']}/{index}/{number}/result")
            self._controller.settle(message, result)
        else:
            self._publish_stored(message, run, place)
        self._advance(run)
        return result

    def _publish_stored(self, message: Message, run: OperationRun, place: dict[str, Any]) -> None:
        """The result of a task whose consumer has died before it published what it had stored. A second one is dropped."""
        index, number, task = place["index"], place["run"], run.state["tasks"][place["index"]]
        if run.number != number or task["sequence"] != self._delivery.sequence or task["result"] is None:
            return
        with contextlib.suppress(PayloadError):
            self._publish_result(message, Result.from_json(task["result"]), f"{run.state['uuid']}/{index}/{number}/result")

    def _run_operation(self, kind: type[Operation], message: Message) -> Optional[Result]:
        if _KEY.fullmatch(message.uuid) is None:
            error = ValidationError(f"message.uuid: an operation's is of letters, digits, -, _ and =, got {message.uuid!r}")
            return self._answer(message, Result.from_exception(error, message.uuid))
        run = OperationRun.load(self._producer, message.uuid)
        if run is not None and (run.state["status"] != "FAILED" or run.state["request"] == self._delivery.sequence):
            self._advance(run)
            return None
        operation = kind.from_Message(message)
        self._adopt(operation, self._delivery.topic)
        try:
            operation.begin(is_built=run is not None and len(run.state["tasks"]) > 0)
        except Exception as error:
            return self._fail(operation, run, Result.from_exception(error, message.uuid))
        if run is None and not operation.tasks:
            return self._fail(operation, run, Result(uuid=message.uuid, retcode=1, stderr=EMPTY))
        if run is None:
            try:
                run = OperationRun.begin(self._producer, operation, self._delivery.sequence)
            except TransportError:
                raise
            except Exception as error:  # its tasks are too large, or no JSON
                return self._fail(operation, run, Result.from_exception(error, message.uuid))
        else:
            run.resume(self._delivery.sequence, None if run.state["tasks"] else operation.tasks)
        return self._advance(run)

    def _fail(self, operation: Operation, run: Optional[OperationRun], result: Result) -> Result:
        """An operation of which no task can run ends at once."""
        final = operation.fail(result)
        if run is None:
            run = OperationRun.begin(self._producer, operation, self._delivery.sequence, final)
        else:
            run.resume(self._delivery.sequence)
            run.end("FAILED", final)
        self._publish_outcome(run)
        return self._controller.settle(self._message_of(run), final)

    def _end_operation(self, message: Message) -> Optional[Result]:
        """The last task has run on a consumer that does not know the operation, and sent it here to be ended."""
        run = OperationRun.load(self._producer, message.uuid)
        if run is not None and run.number == message.metadata[PLACE]["run"]:
            run.advance(lambda status, result: self._end(run, status, result, is_last=True))
        return None

    def _advance(self, run: OperationRun) -> Optional[Result]:
        return run.advance(lambda status, result: self._end(run, status, result, is_last=False))

    def _end(self, run: OperationRun, status: str, result: Result, is_last: bool) -> None:
        state = run.state
        kind = self._controller.entrypoints.get(state["entrypoint"])
        message = self._message_of(run)
        if kind is None and not is_last:
            message.metadata = {**message.metadata, PLACE: {"uuid": state["uuid"], "run": state["run"]}}
            self._producer.publish(state["topic"], message, f"{state['uuid']}/{state['run']}/end")
            return
        if kind is None or not issubclass(kind, Operation):
            run.end(status, result)
        elif not run.is_ended:
            operation = kind(**self._parts(run))
            self._adopt(operation, state["topic"])
            operation.end(run, status, result)
            self._controller.settle(message, run.result)
        self._publish_outcome(run)

    def _parts(self, run: OperationRun) -> dict[str, Any]:
        state = run.state
        tasks = [self._task_of(task) for task in state["tasks"]]
        common = {name: state[name] for name in ("uuid", "params", "metadata", "status")}
        return {**common, "tasks": tasks}

    def _task_of(self, state: dict[str, Any]) -> Task:
        kind = self._controller.entrypoints.get(state["entrypoint"])
        result = None if state["result"] is None else Result.from_json(state["result"])
        fields = {name: state[name] for name in ("uuid", "params", "metadata", "status")}
        task = (kind if kind is not None and issubclass(kind, Task) else Task)(**fields, result=result)
        task.path = state["entrypoint"]
        return task

    def _publish_outcome(self, run: OperationRun) -> None:
        state = run.state
        self._publish_result(self._message_of(run), run.result, f"{state['uuid']}/{state['run']}/result", state["topic"])

    def _message_of(self, run: OperationRun) -> Message:
        state = run.state
        return Message(state["uuid"], state["entrypoint"], state["params"], None, state["metadata"])

    def _publish_result(self, message: Message, result: Result, id: str, topic: Optional[str] = None) -> None:
        answer = Message(message.uuid, message.entrypoint, message.params, result, message.metadata)
        self._producer.publish_result(topic or self._delivery.topic, answer, id)

    def _adopt(self, task: Entrypoint, topic: str) -> None:
        """Lets a task send others where it came from."""
        if isinstance(task, Task):
            task.producer = task.producer or self._producer
            task.topic = task.topic or topic
