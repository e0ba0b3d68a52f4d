"""Runs the messages of topics."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any, Callable, Mapping, Optional, Sequence, Union

from .controller import Controller
from .delivered_run import MAX_DELIVERIES, DeliveredRun
from .error import TransportError
from .flags import Flags
from .log import write
from .metrics import open_metrics
from .producer import Producer
from .result import Result
from .schemas import Message
from .transport import Delivery, Transport

_POLL = 0.5
"""Seconds that a request for a message waits: as long as it takes, at most, until a flag is seen."""


class Consumer:
    """Takes messages of topics and runs them, one at a time or up to its `concurrency` at once, until it is ended: by its flag
    (`Flags`), by SIGTERM or SIGINT, or by `terminate`. It ends after the messages that it has taken, and is paused so: by its
    flag, or from SIGUSR1 until SIGUSR2.

    I1. A message is acked after its result, and what follows from it, are stored. A consumer that dies before does not lose it.
    I2. No message ends the consumer.
    """

    REGISTRY: Optional[Controller] = None

    def __init__(
        self,
        topics: Union[str, Sequence[str]],
        config: Optional[Mapping[str, str]] = None,
        *,
        transport: Optional[Transport] = None,
        concurrency: int = 1,
    ) -> None:
        """Of a `concurrency` above 1, each message runs in a thread, and messages do not end in their order. Raises ValueError for
        one below 1, and without topics."""
        self._env = {**os.environ, **(config or {})}
        self._topics = [topics] if isinstance(topics, str) else list(topics)
        if not self._topics:
            raise ValueError("Consumer: want one topic or more")
        if concurrency < 1:
            raise ValueError(f"Consumer: want a concurrency of 1 or more, got {concurrency}")
        self._concurrency = concurrency
        self._running: dict[Delivery, Message] = {}
        self._noting = threading.Lock()
        self._producer = Producer(config, transport=transport)
        self._flags = Flags(self._env)
        self._is_paused = False
        self._is_ended = threading.Event()

    def terminate(self) -> None:
        """Ends the consumer after the messages that it runs."""
        self._is_ended.set()

    def run(self) -> int:
        """Runs until the consumer is ended. Returns 0, for `sys.exit`."""
        open_metrics(self._env)
        self._flags.open()
        restore = self._listen()
        write(logging.INFO, f"Consumer.Starting... topics {', '.join(self._topics)}, flags in {self._flags.folder}")
        others = [threading.Thread(target=self._run_all) for _ in range(self._concurrency - 1)]
        try:
            for thread in others:
                thread.start()
            self._run_all()
        finally:
            self.terminate()
            for thread in others:
                thread.join()
            restore()
            self._producer.close()
        write(logging.INFO, "Consumer.Ended")
        return 0

    def _run_all(self) -> None:
        while not self._is_over():
            if not self.run_next():
                self._is_ended.wait(0 if not self._is_held() else _POLL)

    def run_next(self, timeout: float = _POLL) -> bool:
        """Runs one message. False: none came, the consumer is paused, or the transport is away."""
        if self._is_held():
            return False
        try:
            delivery = self._producer.transport.next(self._topics, timeout)
            if delivery is None:
                return False
            if self._is_held() or self._is_over():
                delivery.release()
                return False
        except TransportError as error:
            write(logging.ERROR, "Consumer.Transport: %s", error, error=error)
            time.sleep(_POLL)
            return False
        self._run(delivery)
        return True

    def _run(self, delivery: Delivery) -> None:
        registry = self.REGISTRY or Controller()
        try:
            message = registry.parse(delivery.payload)
        except Exception as error:
            message = registry.rejected(b"", error)
        try:
            if isinstance(message, Message):
                self._note(delivery, message)
                DeliveredRun(registry, self._producer, delivery).run(message)
            delivery.ack()
        except TransportError as error:
            write(logging.ERROR, "Consumer.Transport: %s; the message will be delivered again", error, error=error)
            self._release(delivery)
        except Exception as error:
            result = Result.from_exception(error)
            time.sleep(_POLL)
            write(logging.ERROR, "Consumer.Failed: %s", result, result=result)
            self._settle(delivery.ack if delivery.deliveries > MAX_DELIVERIES else delivery.release)
        finally:
            self._note(delivery, None)

    def _note(self, delivery: Delivery, message: Optional[Message]) -> None:
        """The message that is being run of a delivery; None: it is not run any more."""
        try:
            with self._noting:
                self._running.pop(delivery, None)
                if message is not None:
                    self._running[delivery] = message
                self._flags.processing = "\n".join(map(str, self._running.values()))
        except OSError as error:
            write(logging.ERROR, "Consumer.Flags: %s", error, error=error)

    def _release(self, delivery: Delivery) -> None:
        time.sleep(_POLL)
        self._settle(delivery.release)

    def _settle(self, settle: Callable[[], None]) -> None:
        try:
            settle()
        except TransportError as error:
            write(logging.ERROR, "Consumer.Transport: %s; the message will be delivered again", error, error=error)

    def _is_held(self) -> bool:
        return self._is_paused or self._flags.is_paused

    def _is_over(self) -> bool:
        return self._is_ended.is_set() or self._flags.is_terminated

    def _pause(self, is_paused: bool) -> None:
        self._is_paused = is_paused

    def _listen(self) -> Callable[[], None]:
        """Listens to signals, in the main thread. Returns what ends that."""
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        handlers: dict[int, Callable[[Any, Any], None]] = {
            signal.SIGTERM: lambda *_: self.terminate(),
            signal.SIGINT: lambda *_: self.terminate(),
            signal.SIGUSR1: lambda *_: self._pause(True),
            signal.SIGUSR2: lambda *_: self._pause(False),
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return restore
