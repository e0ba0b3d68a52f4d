"""A transport in memory, for tests of tasks and operations without a broker."""

from __future__ import annotations

from collections import deque
from typing import Optional, Sequence

from .error import PayloadError, TransportError


class DummyTransport:
    """Keeps everything in this object. Messages are delivered in the order of their publishing. Not for several threads."""

    def __init__(self) -> None:
        self.results: dict[str, list[bytes]] = {}
        self.values: dict[str, tuple[bytes, int]] = {}
        self.is_away = False
        """Set: everything fails as with a broker that is away."""
        self.max_bytes = 1_000_000
        self._queues: dict[str, deque[_DummyDelivery]] = {}
        self._ids: set[str] = set()
        self._sequence = 0

    def publish(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        self._check(payload)
        if self._is_new(id):
            self._sequence += 1
            self._queue(topic).append(_DummyDelivery(self, topic, payload, self._sequence))

    def publish_result(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        self._check(payload)
        if self._is_new(id):
            self.results.setdefault(topic, []).append(payload)

    def next(self, topics: Sequence[str], timeout: float) -> Optional[_DummyDelivery]:
        self._assert_there()
        for topic in topics:
            if self._queue(topic):
                delivery = self._queue(topic).popleft()
                delivery.deliveries += 1
                return delivery
        return None

    def load(self, key: str) -> Optional[tuple[bytes, int]]:
        self._assert_there()
        return self.values.get(key)

    def save(self, key: str, value: bytes, revision: int) -> Optional[int]:
        self._check(value)
        if self.values.get(key, (b"", 0))[1] != revision:
            return None
        self.values[key] = (value, revision + 1)
        return revision + 1

    def close(self) -> None:
        pass

    def waiting(self, topic: str) -> list[bytes]:
        """The payloads that no consumer has taken."""
        return [each.payload for each in self._queue(topic)]

    def put_back(self, delivery: _DummyDelivery) -> None:
        self._queue(delivery.topic).appendleft(delivery)

    def _queue(self, topic: str) -> deque[_DummyDelivery]:
        return self._queues.setdefault(topic, deque())

    def _is_new(self, id: Optional[str]) -> bool:
        if id is None or id not in self._ids:
            if id is not None:
                self._ids.add(id)
            return True
        return False

    def _check(self, payload: bytes) -> None:
        self._assert_there()
        PayloadError.check(payload, self.max_bytes)

    def _assert_there(self) -> None:
        if self.is_away:
            raise TransportError("the broker is away")


class _DummyDelivery:
    def __init__(self, transport: DummyTransport, topic: str, payload: bytes, sequence: int) -> None:
        self._transport = transport
        self.topic = topic
        self.payload = payload
        self.sequence = sequence
        self.deliveries = 0
        self.is_acked = False

    def ack(self) -> None:
        self.is_acked = True

    def release(self) -> None:
        self._transport.put_back(self)
