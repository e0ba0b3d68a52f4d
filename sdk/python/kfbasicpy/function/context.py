"""What a function is told about the record it has in hand."""

from __future__ import annotations

import json
from typing import Any, Optional, Protocol



class ContextPort(Protocol):
    """Where a context's calls go."""

    def heartbeat(self, record: int) -> None: ...

    def side_output(self, record: int, side: str, event: dict[str, Any]) -> None: ...


class Context:
    """One record's context. It may be used from any thread, as long as the record is being processed."""

    __slots__ = ("_port", "_record", "_info")

    def __init__(self, port: ContextPort, record: int, info: Optional[bytes] = None) -> None:
        self._port = port
        self._record = record
        self._info = info

    def heartbeat(self) -> None:
        """Says that the record is still in work, and so starts its time limit anew. Returns when it is said."""
        self._port.heartbeat(self._record)

    def get_downloader_object_metadata(self) -> Optional[dict[str, Any]]:
        """What the object store says of the downloaded object; None without automatic download."""
        return json.loads(self._info)["metadata"] if self._info else None

    def get_downloader_local_object_url(self) -> Optional[str]:
        """Path of the downloaded object; None without automatic download, or when it failed and failures are skipped."""
        return json.loads(self._info)["path"] if self._info else None

    def to_side_stream(self, side: str, event_dict: dict[str, Any]) -> None:
        """Sends a record to a side output at once, whatever becomes of the record in work. Raises when the function
        declares no such side output, or when the record does not fit its schema."""
        self._port.side_output(self._record, side, event_dict)
