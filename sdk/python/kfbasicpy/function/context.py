"""The context of the record that a function processes."""

from __future__ import annotations

import json
from typing import Any, Optional, Protocol


class ContextPort(Protocol):
    """Receives the calls of contexts."""

    def heartbeat(self, record: int) -> None: ...

    def side_output(self, record: int, side: str, event: dict[str, Any]) -> None: ...


class Context:
    """The context of one record. Any thread may use it while the record is being processed."""

    __slots__ = ("_port", "_record", "_info")

    def __init__(self, port: ContextPort, record: int, info: Optional[bytes] = None) -> None:
        self._port = port
        self._record = record
        self._info = info

    def heartbeat(self) -> None:
        """Restarts the time limit of the record (`max.poll.interval.ms`). Returns once the heartbeat is sent."""
        self._port.heartbeat(self._record)

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
