"""The stored state of an operation whose tasks run on several consumers.

I1. A task is begun by one message only: `take` stores the number of the message. The same message may take it again, after
    its consumer has died; a duplicate may not.
I2. A task has one result: `complete` stores the first one.
I3. The message of a task has the id `<operation>/<index>`, and `/<run>` after it from the second run on. So a transport drops
    the second of two consumers that send it, and what a transport no longer drops, I1 does.
I4. Each change is stored on condition that the state is the one it was made from.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Optional

from .error import NotFoundError
from .producer import Producer, sent
from .result import Result
from .schemas import Message

EMPTY = "Nothing to do, empty operation !"

PLACE = "__operation__"
"""The key of `metadata` that names the operation of a task."""

_VERSION = 1


class OperationRun:
    def __init__(self, producer: Producer, state: dict[str, Any], revision: int) -> None:
        self._producer = producer
        self.state = state
        self._revision = revision

    @classmethod
    def load(cls, producer: Producer, uuid: str) -> Optional[OperationRun]:
        """The run of an operation; None if it has none. Raises TransportError."""
        found = producer.transport.load(uuid)
        return None if found is None else cls(producer, json.loads(found[0]), found[1])

    @classmethod
    def begin(cls, producer: Producer, operation: Any, request: int, failed: Optional[Result] = None) -> OperationRun:
        """Stores the tasks of an operation that has no run yet; else the run that it has. `request` is the number of the message
        that asked for it, 0 without one; `failed` the outcome of an operation that cannot run."""
        state = {
            "v": _VERSION,
            "uuid": operation.uuid,
            "entrypoint": operation.path,
            "topic": operation.required_topic(),
            "params": operation.params,
            "metadata": operation.metadata,
            "status": "RUNNING" if failed is None else "FAILED",
            "run": 1,
            "request": request,
            "result": None if failed is None else failed.to_json(),
            "tasks": [_task_state(task) for task in operation.tasks],
        }
        run = cls(producer, state, 0)
        if run._save(state):
            return run
        return cls._existing(producer, operation.uuid)

    @classmethod
    def _existing(cls, producer: Producer, uuid: str) -> OperationRun:
        run = cls.load(producer, uuid)
        if run is None:
            raise NotFoundError(f"operation {uuid}: has no state", extra={"uuid": uuid})
        return run

    @property
    def is_ended(self) -> bool:
        return self.state["status"] != "RUNNING"

    @property
    def number(self) -> int:
        return self.state["run"]

    @property
    def result(self) -> Result:
        """The results of all tasks, folded; with the uuid of the last one that has one."""
        if self.state["result"] is not None:
            return Result.from_json(self.state["result"])
        return self._folded(len(self.state["tasks"]))

    def take(self, index: int, sequence: int, run: int) -> bool:
        """Whether the message with this number is the one that runs the task (I1)."""

        def change(state: dict[str, Any]) -> bool:
            task = state["tasks"][index]
            is_mine = task["status"] == "RUNNING" and task["sequence"] == sequence
            if state["run"] != run or not (task["status"] == "PENDING" or is_mine):
                return False
            task.update(status="RUNNING", sequence=sequence)
            return True

        return self._change(change)

    def complete(self, index: int, result: Result, metadata: dict[str, Any]) -> None:
        """Stores the result of a task (I2). Later tasks get its metadata too."""

        def change(state: dict[str, Any]) -> bool:
            task = state["tasks"][index]
            if task["status"] not in ("PENDING", "RUNNING"):
                return False
            task.update(status="SUCCESS" if result.retcode == 0 else "FAILED", result=result.to_json())
            for before in state["tasks"][:index] if result.retcode == 0 else ():
                before["result"] = None  # it is in the new one
            state["metadata"] = {**state["metadata"], **{key: metadata[key] for key in metadata if key != PLACE}}
            return True

        self._change(change)

    def end(self, status: str, result: Result) -> None:
        """Stores the outcome of the operation; the first one stays."""

        def change(state: dict[str, Any]) -> bool:
            if state["status"] != "RUNNING":
                return False
            state.update(status=status, result=result.to_json())
            return True

        self._change(change)

    def resume(self, request: int, tasks: Optional[list[Any]] = None) -> None:
        """Begins a run of a failed operation, in which the tasks that succeeded are not run again. `tasks` are those of an
        operation that had none, because they could not be built."""

        def change(state: dict[str, Any]) -> bool:
            if state["status"] != "FAILED":
                return False
            state.update(status="RUNNING", run=state["run"] + 1, request=request, result=None)
            if tasks is not None:
                state["tasks"] = [_task_state(task) for task in tasks]
            for task in state["tasks"]:
                if task["status"] != "SUCCESS":
                    task.update(status="PENDING", result=None, sequence=None)
            return True

        self._change(change)

    def advance(self, finish: Callable[[str, Result], None]) -> Optional[Result]:
        """Sends the task that is next, or calls `finish` with the outcome if there is none or the operation has ended. The result
        says what was sent. Raises TransportError."""
        tasks = self.state["tasks"]
        if not tasks:
            finish("FAILED", Result(uuid=self.state["uuid"], retcode=1, stderr=EMPTY))
            return None
        index = next((at for at, task in enumerate(tasks) if task["status"] != "SUCCESS"), None)
        if index is not None and tasks[index]["status"] == "PENDING" and not self.is_ended:
            return self._launch(index)
        if index is None or tasks[index]["status"] != "RUNNING":
            finish("SUCCESS" if index is None else "FAILED", self.result)
        return None

    def _launch(self, index: int) -> Result:
        state, task = self.state, self.state["tasks"][index]
        place = {"uuid": state["uuid"], "index": index, "run": state["run"]}
        metadata = {**state["metadata"], **task["metadata"], PLACE: place}
        message = Message(task["uuid"], task["entrypoint"], task["params"], self._folded(index), metadata)
        topic = task["topic"] or state["topic"]
        name = f"{state['uuid']}/{index}"
        self._producer.publish(topic, message, name if state["run"] == 1 else f"{name}/{state['run']}")
        return sent(message, topic)

    def _folded(self, end: int) -> Result:
        """The results of the tasks before `end`."""
        done = [Result.from_json(task["result"]) for task in self.state["tasks"][:end] if task["result"] is not None]
        folded = Result(uuid=done[-1].uuid if done else self.state["uuid"])
        for result in done:
            folded = folded + result
        return folded

    def _change(self, change: Callable[[dict[str, Any]], bool]) -> bool:
        """Applies a change to the state as it is stored (I4). False: the change did not apply."""
        while True:
            state = json.loads(json.dumps(self.state))
            if not change(state):
                if self._is_current():
                    return False
            elif self._save(state):
                return True
            self._reload()

    def _is_current(self) -> bool:
        found = self._producer.transport.load(self.state["uuid"])
        return found is not None and found[1] == self._revision

    def _reload(self) -> None:
        run = self._existing(self._producer, self.state["uuid"])
        self.state, self._revision = run.state, run._revision

    def _save(self, state: dict[str, Any]) -> bool:
        value = json.dumps(state, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        revision = self._producer.transport.save(state["uuid"], value, self._revision)
        if revision is None:
            return False
        self.state, self._revision = state, revision
        return True


def _task_state(task: Any) -> dict[str, Any]:
    return {
        "uuid": task.uuid,
        "entrypoint": task.path,
        "topic": task.topic,
        "params": task.params,
        "metadata": task.metadata,
        "status": task.status if task.status == "SUCCESS" else "PENDING",
        "result": task.result.to_json() if task.status == "SUCCESS" else None,
        "sequence": None,
    }
