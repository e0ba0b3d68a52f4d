"""Receives frames from the socket in a thread of its own, so that frames arrive while user code runs."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import traceback
from typing import Any, Callable

from . import frames
from .inbox import Inbox
from .outbox import Outbox
from .schemas import Schemas
from .window import Window

_BUFFER = 256 << 10


class Reader:
    """Receives frames until the socket is closed; then exits the process, even while user code runs."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb", _BUFFER)
        #: Called in the thread of the reader with a record whose result is not needed any more.
        self.on_cancel: Callable[[int], None] = lambda record: None
        # A forked child that read the frames would take them from its parent.
        os.register_at_fork(after_in_child=lambda: os.close(connection.detach()))

    def read_init(self) -> dict[str, Any]:
        """Blocks until the first frame arrives, and returns its body."""
        kind, body = self._next()
        if kind != b"I":
            raise RuntimeError(f"first frame: expected an init frame, got {kind!r}")
        return json.loads(body)

    def start(self, inbox: Inbox, outbox: Outbox, window: Window, schemas: Schemas) -> None:
        """Receives the other frames in a thread."""
        self._inbox = inbox
        self._outbox = outbox
        self._window = window
        self._schemas = schemas
        threading.Thread(target=self._run, daemon=True, name="kflow-reader").start()

    def _run(self) -> None:
        try:
            while True:
                self._receive(*self._next())
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
            os._exit(70)

    def _next(self) -> tuple[bytes, bytes]:
        head = self._stream.read(5)
        size = int.from_bytes(head[1:], "big")
        body = self._stream.read(size)
        if len(head) < 5 or len(body) < size:
            os._exit(0)
        return head[:1], body

    def _receive(self, kind: bytes, body: bytes) -> None:
        if kind == b"R":
            self._inbox.put([*frames.parse_records(body), frames.END_OF_BATCH])
        elif kind == b"K":
            self._window.credit(*frames.parse_credit(body))
        elif kind == b"S":
            schema = json.loads(body)
            self._schemas.add(schema["fingerprint"], schema["schema"])
        elif kind == b"P":
            self._inbox.put([frames.Produce(json.loads(body)["request"])])
        elif kind == b"C":
            self._outbox.release(self._inbox.release())
        elif kind == b"N":
            self._inbox.put([frames.parse_finish(body)])
        elif kind == b"X":
            self.on_cancel(frames.parse_cancel(body))
        elif kind == b"Q":
            self._inbox.put([frames.QUIT])
        else:
            raise RuntimeError(f"unknown frame type {kind!r}")
