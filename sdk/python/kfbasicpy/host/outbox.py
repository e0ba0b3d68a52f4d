"""Sends outputs, outcomes and log entries to the runtime, batched into few frames.

O1. A flush sends log entries before outcomes, so the log of a record precedes its outcome; each kind keeps its order.
O2. A sender holds `_sending` from taking the batch until its last byte is written, so frames do not interleave.
O3. `_lock` is never held while sending: user code continues while the socket is full, unless it sends itself.
O4. A batch is sent after at most one pause of the flusher.
O5. Nothing follows the outcome of a record: what user code sends for it later, in a thread or a task, is an error there.
O6. Only the process that opened the outbox sends: a forked child has the same socket.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from contextvars import ContextVar
from time import sleep
from typing import Any, Callable, Iterable, Optional

from . import frames

_FLUSH_BYTES = 256 << 10
_FLUSH_PAUSE_S = 0.02
# A longer piece is sent by itself instead of being copied into a buffer with others.
_LARGE = 64 << 10
_CANNOT_SEND = 70

#: The record that an asynchronous function is processing; tasks that it starts have the same.
current_record: ContextVar[Optional[int]] = ContextVar("kflow_record", default=None)


class Outbox:
    """The sending side of the frames; every method may be called from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._items: list[bytes] = []
        self._size = 0
        self._logs: list[dict[str, Any]] = []
        self._open: set[int] = set()
        self._is_forked = False
        self._added = threading.Event()
        self.before_flush: Callable[[], None] = lambda: None
        os.register_at_fork(after_in_child=self._after_fork)
        threading.Thread(target=self._flush_regularly, daemon=True, name="kflow-flusher").start()

    def begin(self, record: int) -> None:
        """The function starts the record."""
        self._open.add(record)

    def complete(self, record: int, payloads: Iterable[bytes]) -> None:
        """A record is done, with these outputs."""
        pieces: list[bytes] = []
        size = frames.DONE_SIZE
        for payload in payloads:
            pieces += (frames.main_output_head(record, len(payload)), payload)
            size += frames.MAIN_OUTPUT_HEAD_SIZE + len(payload)
        pieces.append(frames.done(record))
        self._end(record, pieces, size)

    def fail(self, record: int, failure: dict[str, Any]) -> None:
        """A record's function failed."""
        outcome = frames.failed(record, json.dumps(failure).encode())
        self._end(record, [outcome], len(outcome))

    def output(self, record: int, side: str, payload: bytes) -> None:
        """One output of a record that is still being processed. It takes room, which the caller has acquired. Raises
        RuntimeError when the record has ended."""
        self._assert_parent()
        pieces = [frames.output_head(record, side.encode(), len(payload)), payload]
        with self._lock:
            if record not in self._open:
                raise RuntimeError("the record has ended; a function must wait for what it starts")
            self._put(pieces)
        self._after_adding()

    def heartbeat(self, record: int) -> None:
        """Sends a heartbeat immediately. Raises RuntimeError when the record has ended."""
        self._assert_parent()
        if record not in self._open:
            raise RuntimeError("the record has ended; a function must wait for what it starts")
        with self._sending:
            self._send(b"B", [frames.heartbeat(record)])

    def request_ack(self, record: int) -> None:
        """The function requests the acks of the records that have ended, and of this one, which may have ended as well."""
        self._assert_parent()
        with self._lock:
            self._put([frames.ack_requested(record)])
        self._after_adding()

    def release(self, records: Iterable[int]) -> None:
        """These records were not started."""
        pieces = [frames.released(record) for record in records]
        with self._lock:
            self._put(pieces)
        self.flush()

    def log(self, level: str, text: str) -> None:
        """One log entry, with the record that is being processed."""
        if self._is_forked:
            os.write(1 if level == "INFO" else 2, text.encode("utf-8", "backslashreplace") + b"\n")
            return
        entry: dict[str, Any] = {"level": level, "text": text}
        record = self._current_record()
        if record is not None:
            entry["record"] = record
        with self._lock:
            self._logs.append(entry)
            self._size += len(text)
        self._after_adding()

    def _current_record(self) -> Optional[int]:
        """The record in whose context the caller runs, or the only one that is being processed: a thread has no context."""
        record = current_record.get()
        if record is None:
            running = tuple(self._open)
            record = running[0] if len(running) == 1 else None
        return record

    def wake_flusher(self) -> None:
        """Makes the flusher call `before_flush` and flush after its pause."""
        if not self._added.is_set():
            self._added.set()

    def flush(self) -> None:
        """Sends the current batch."""
        if self._is_forked:
            return
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

    def _end(self, record: int, pieces: list[bytes], size: int) -> None:
        if self._is_forked:
            # The function returned in a process that it forked; the record is the parent's.
            sys.stdout.flush()
            os._exit(0)
        with self._lock:
            self._open.discard(record)
            self._items += pieces
            self._size += size
        self._after_adding()

    def _put(self, pieces: list[bytes]) -> None:
        self._items += pieces
        self._size += sum(map(len, pieces))

    def _after_adding(self) -> None:
        if self._size >= _FLUSH_BYTES:
            self.flush()
        else:
            self.wake_flusher()

    def _flush_regularly(self) -> None:
        while True:
            self._added.wait()
            sleep(_FLUSH_PAUSE_S)
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
        except ConnectionError:
            # The runtime has exited; without it, this process has nothing to do.
            os._exit(1)
        except OSError as error:
            # After a part of a frame, nothing else can follow: user code closed the descriptor, or put another in its place.
            os.write(2, f"cannot send frames to the runtime: {error}; the code must not close descriptors that it did not open\n".encode())
            os._exit(_CANNOT_SEND)

    def _assert_parent(self) -> None:
        if self._is_forked:
            raise RuntimeError("a forked process has no record: send outputs and heartbeats from the function itself")

    def _after_fork(self) -> None:
        self._is_forked = True
        # Threads of the parent may have held these.
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._connection.close()
