"""Sends outputs, outcomes and log entries to the runtime, batched into few frames.

O1. A flush sends log entries before outcomes, so the log of a record precedes its outcome; each kind keeps its order.
O2. A sender holds `_sending` from taking the batch until its last byte is written, so frames do not interleave.
O3. `_lock` is never held while sending: user code continues while the socket is full, unless it sends itself.
O4. A batch is sent after at most one pause of the flusher.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import Any, Callable, Iterable

from . import frames

_FLUSH_BYTES = 256 << 10
_FLUSH_PAUSE_S = 0.02
# A longer piece is sent by itself instead of being copied into a buffer with others.
_LARGE = 64 << 10


class Outbox:
    """The sending side of the socket; every method may be called from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._items: list[bytes] = []
        self._size = 0
        self._logs: list[dict[str, str]] = []
        self._added = threading.Event()
        self.before_flush: Callable[[], None] = lambda: None
        threading.Thread(target=self._flush_regularly, daemon=True, name="kflow-flusher").start()

    def complete(self, record: int, payloads: Iterable[bytes]) -> None:
        """A record is done, with these outputs."""
        pieces = []
        for payload in payloads:
            pieces += (frames.main_output_head(record, len(payload)), payload)
        pieces.append(frames.done(record))
        self._add(pieces)

    def output(self, record: int, side: str, payload: bytes) -> None:
        """One output of a record that is still being processed."""
        self._add([frames.output_head(record, side.encode(), len(payload)), payload])

    def fail(self, record: int, failure: dict[str, Any]) -> None:
        """A record's function failed."""
        self._add([frames.failed(record, json.dumps(failure).encode())])

    def release(self, records: Iterable[int]) -> None:
        """These records were not started."""
        self._add([frames.released(record) for record in records])
        self.flush()

    def log(self, level: str, text: str) -> None:
        """One log entry."""
        with self._lock:
            self._logs.append({"level": level, "text": text})
            self._size += len(text)
        self._after_adding()

    def wake_flusher(self) -> None:
        """Makes the flusher call `before_flush` and flush after its pause."""
        if not self._added.is_set():
            self._added.set()

    def flush(self) -> None:
        """Sends the current batch."""
        with self._sending:
            with self._lock:
                items, logs = self._items, self._logs
                self._items, self._logs, self._size = [], [], 0
            if logs:
                self._send(b"L", [json.dumps(logs).encode()])
            if items:
                self._send(b"O", items)

    def send(self, kind: bytes, pieces: list[bytes]) -> None:
        """Sends one frame immediately, after the current batch."""
        self.flush()
        with self._sending:
            self._send(kind, pieces)

    def heartbeat(self, record: int) -> None:
        """Sends a heartbeat immediately."""
        with self._sending:
            self._send(b"B", [frames.heartbeat(record)])

    def _add(self, pieces: list[bytes]) -> None:
        with self._lock:
            self._items += pieces
            self._size += sum(map(len, pieces))
        self._after_adding()

    def _after_adding(self) -> None:
        if self._size >= _FLUSH_BYTES:
            self.flush()
        else:
            self.wake_flusher()

    def _flush_regularly(self) -> None:
        while True:
            self._added.wait()
            time.sleep(_FLUSH_PAUSE_S)
            self._added.clear()
            self.before_flush()
            self.flush()

    def _send(self, kind: bytes, pieces: list[bytes]) -> None:
        small = [frames.head(kind, sum(map(len, pieces)))]
        try:
            for piece in pieces:
                if len(piece) < _LARGE:
                    small.append(piece)
                    continue
                self._connection.sendall(b"".join(small))
                self._connection.sendall(piece)
                small = []
            self._connection.sendall(b"".join(small))
        except OSError:
            # The runtime has exited; without it, this process has nothing to do.
            os._exit(1)
