"""The context of the record that a function processes."""

from __future__ import annotations

import json
import os
from typing import Any, Optional, Protocol


class ContextPort(Protocol):
    """Receives the calls of contexts."""

    def heartbeat(self, record: int) -> None: ...

    def side_output(self, record: int, side: str, event: dict[str, Any]) -> None: ...

    def request_ack(self, record: int) -> None: ...

    def new_record(self, side: Optional[str]) -> dict[str, Any]: ...


class Context:
    """The context of one record. Any thread may use it while the record is being processed."""

    __slots__ = ("_port", "_record", "_info", "_trace")

    def __init__(self, port: ContextPort, record: int, info: Optional[bytes] = None, trace: bytes = b"") -> None:
        self._port = port
        self._record = record
        self._info = info
        self._trace = trace

    @property
    def trace_parent(self) -> Optional[str]:
        """W3C trace context of the record, the value of a `traceparent` header: what your code calls may continue its trace. None
        in the context of `finish`."""
        return self._trace.decode("ascii") if self._trace else None

    def heartbeat(self) -> None:
        """Restarts the time limit of the record (`max.poll.interval.ms`). Returns once the heartbeat is sent."""
        self._port.heartbeat(self._record)

    def request_ack(self) -> None:
        """With `meta.ack: manual` or AckProps(manual=True): acks this record, when its function has returned, and all records
        whose function has returned before, and sends their outputs. Otherwise, it does nothing."""
        self._port.request_ack(self._record)

    def flush(self, *paths: Any) -> None:
        """Deletes downloaded files, which nobody else deletes when acks are manual. Files that do not exist are ignored."""
        for path in paths:
            for each in path if isinstance(path, (list, tuple, set)) else (path,):
                try:
                    os.remove(each)
                except FileNotFoundError:
                    pass

    def get_new_record(self, side: Optional[str] = None) -> dict[str, Any]:
        """A record of the side output, or of the main output: a dict in which the fields with a default have it. Raises when the
        function declares no such output, or no schema."""
        return self._port.new_record(side)

    def get_downloader_object_metadata(self) -> Optional[dict[str, Any]]:
        """The metadata of the downloaded object; None without automatic download."""
        return json.loads(self._info)["metadata"] if self._info else None

    def get_downloader_local_object_url(self) -> Optional[str]:
        """Path of the downloaded object; None without automatic download, or when it failed and failures are skipped."""
        return json.loads(self._info)["path"] if self._info else None

    def to_side_stream(self, side: str, event_dict: dict[str, Any]) -> None:
        """Sends a record to a side output immediately, even if the function fails afterwards. Raises when the function
        declares no such side output, or when the record does not fit the schema of the side output."""
        self._port.side_output(self._record, side, event_dict)
