"""Exceptions through which user code controls the runtime."""

from __future__ import annotations


class AckException(Exception):
    """An error that acks its record: by default the record is not retried, and its dead letter holds the payload as JSON."""

    def should_ack(self) -> bool:
        """Return False to have the record redelivered, as after any other error."""
        return True

    def payload_as_json(self) -> bool:
        """Return False to keep the payload of the dead letter in its Avro encoding."""
        return True
