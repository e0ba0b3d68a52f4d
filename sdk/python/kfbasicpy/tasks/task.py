"""A task: what an operation is made of."""

from __future__ import annotations

import logging
from typing import Any, Optional

from .entrypoint import Entrypoint
from .error import ValidationError
from .producer import Producer, sent
from .result import Result


class Task(Entrypoint):
    """An entrypoint with a status: PENDING, RUNNING, SUCCESS or FAILED. `topic` is where it is sent to; a part of an operation
    without one goes to the topic of the operation. A consumer sets the `producer` of what it runs."""

    topic: Optional[str] = None
    producer: Optional[Producer] = None

    def __init__(
        self,
        uuid: Optional[str] = None,
        params: Optional[dict[str, Any]] = None,
        status: str = "PENDING",
        result: Optional[Result] = None,
        metadata: Optional[dict[str, Any]] = None,
    ) -> None:
        self.status = status
        super().__init__(uuid=uuid, params=params, result=result, metadata=metadata)

    @classmethod
    def init_by_id(cls, _id: str) -> Any:
        """To implement: loads a task from a store of your own."""
        raise NotImplementedError(f"{cls.path}: init_by_id is not implemented")

    def send(self, result: Optional[Result] = None) -> Result:
        """Sends the task to its topic. The result says what was sent. Raises TransportError."""
        message, topic = self.to_Message(result), self.required_topic()
        self.required_producer().publish(topic, message)
        return sent(message, topic)

    def required_producer(self) -> Producer:
        if self.producer is None:
            raise ValidationError(f"{self.path}: has no producer; set `producer`, on the class or on the object")
        return self.producer

    def required_topic(self) -> str:
        if self.topic is None:
            raise ValidationError(f"{self.path}: has no topic; set `topic`, on the class or on the object")
        return self.topic

    def log(self, message: str, level: int = logging.INFO, *args: Any, **kwargs: Any) -> None:
        """Writes `{TaskName}.{TaskStatus}: {EntryPointPath}[{TaskUUID}]: {message}`."""
        self._log(level, self.status, f": {message}", *args, **kwargs)

    def _run(self) -> Result:
        self.status = "RUNNING"
        return super()._run()

    def _ended(self, status: str, result: Result) -> None:
        self.status = status
        super()._ended(status, result)
