"""What user code takes from the runtime."""

from __future__ import annotations


class AckException(Exception):
    """An error that decides about its record: by default the record counts as processed and is reported as JSON."""

    def should_ack(self) -> bool:
        """False: the record comes again, as after any other error."""
        return True

    def payload_as_json(self) -> bool:
        """False: the error stream gets the record in its Avro encoding."""
        return True
