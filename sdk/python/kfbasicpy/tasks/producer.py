"""Sends messages."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Iterable, Mapping, Optional

from .crypto import seal
from .log import write
from .result import Result
from .schemas import Message
from .transport import Transport


class Producer:
    """Sends messages to topics. Without a transport, it connects to nats at the first message, as the variables of
    `nats_transport.open_transport` say. What is set in `config` replaces these variables."""

    def __init__(
        self,
        config: Optional[Mapping[str, str]] = None,
        *,
        transport: Optional[Transport] = None,
    ) -> None:
        self._env = {**os.environ, **(config or {})}
        self._transport = None if transport is None else seal(transport, self._env)
        self._opening = threading.Lock()

    @property
    def transport(self) -> Transport:
        with self._opening:
            if self._transport is None:
                from .nats_transport import open_transport

                self._transport = seal(open_transport(self._env), self._env)
            return self._transport

    def send(self, topic: str, message: Message) -> Result:
        """Sends a message. Never raises an Exception: what could not be sent is a failed result."""
        try:
            self.publish(topic, message)
        except Exception as error:
            result = Result.from_exception(error, message.uuid)
            write(logging.ERROR, "Producer.Failed: %s: %s", message, result, message=message, result=result)
            return result
        return sent(message, topic)

    def bulk_send(self, topic: str, messages: Iterable[Message]) -> Result:
        """Sends messages, in their order. Ends at the first that fails; `retval.sent` is the number of those before."""
        sent = 0
        result = Result()
        for message in messages:
            one = self.send(topic, message)
            if one.retcode != 0:
                return one + Result(retval={"sent": sent})
            sent += 1
        return result + Result(stdout=f"{sent} message(s) sent", retval={"sent": sent})

    def publish(self, topic: str, message: Message, id: Optional[str] = None) -> None:
        """Sends a message that is dropped if one with this id was sent before. Raises TransportError."""
        self.transport.publish(topic, message.dumps(), id)

    def publish_result(self, topic: str, message: Message, id: Optional[str] = None) -> None:
        """Sends a message with its result on the subject of results of a topic. Raises TransportError."""
        self.transport.publish_result(topic, message.dumps(), id)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def __enter__(self) -> Producer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def sent(message: Message, topic: str) -> Result:
    """The result, and the log line, of a message that was sent."""
    result = Result(uuid=message.uuid, stdout=f"Message {message} sent in {topic}")
    write(logging.INFO, "Producer.Success: %s: %s", message, result, message=message, result=result)
    return result
