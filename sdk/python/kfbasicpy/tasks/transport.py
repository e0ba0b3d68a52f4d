"""How messages, their results and the states of operations travel."""

from __future__ import annotations

from typing import Optional, Protocol, Sequence


class Delivery(Protocol):
    """A message that a consumer holds until it settles it. One that nobody settles is delivered again."""

    topic: str
    payload: bytes
    sequence: int
    """Number of the message, the same at each delivery."""
    deliveries: int
    """1 for the first delivery."""

    def ack(self) -> None:
        """The message is done. Raises TransportError if that could not be stored."""
        ...

    def release(self) -> None:
        """Any consumer may get the message, again."""
        ...


class Transport(Protocol):
    """All methods raise TransportError for what a later attempt may do, and PayloadError for what is too large. The id of a payload is its name for duplicates: of two
    with the same id, the second is dropped."""

    def publish(self, topic: str, payload: bytes, id: Optional[str] = None) -> None: ...

    def publish_result(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        """Publishes on the subject of results of a topic."""
        ...

    def next(self, topics: Sequence[str], timeout: float) -> Optional[Delivery]:
        """A message of one of the topics; None if none comes within `timeout` seconds."""
        ...

    def load(self, key: str) -> Optional[tuple[bytes, int]]:
        """A value and its revision."""
        ...

    def save(self, key: str, value: bytes, revision: int) -> Optional[int]:
        """Stores a value if the last one has this revision; 0: if there is none. The new revision; None: somebody else was
        faster."""
        ...

    def close(self) -> None: ...
