"""The receiving side of the socket, in its own thread, so that it goes on while user code runs."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import traceback
from typing import Any

from . import frames
from .inbox import Inbox
from .outbox import Outbox
from .schema_book import SchemaBook
from .window import Window

_BUFFER = 256 << 10


class Reader:
    """Takes frames in until the socket ends; then the process ends at once, whatever user code is doing."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb", _BUFFER)

    def read_init(self) -> dict[str, Any]:
        """The first frame; blocks."""
        kind, body = self._next()
        if kind != b"I":
            raise RuntimeError(f"the first frame is {kind!r}, not an init")
        return json.loads(body)

    def start(self, inbox: Inbox, outbox: Outbox, window: Window, book: SchemaBook) -> None:
        """Reads on in a thread."""
        self._inbox = inbox
        self._outbox = outbox
        self._window = window
        self._book = book
        threading.Thread(target=self._run, daemon=True, name="kflow-reader").start()

    def _run(self) -> None:
        try:
            while True:
                self._take(*self._next())
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

    def _take(self, kind: bytes, body: bytes) -> None:
        if kind == b"R":
            self._inbox.put([*frames.parse_records(body), frames.END_OF_BATCH])
        elif kind == b"K":
            self._window.credit(*frames.parse_credit(body))
        elif kind == b"S":
            schema = json.loads(body)
            self._book.add(schema["fingerprint"], schema["schema"])
        elif kind == b"P":
            self._inbox.put([frames.Produce(json.loads(body)["request"])])
        elif kind == b"C":
            self._outbox.release(self._inbox.release())
        elif kind == b"Q":
            self._inbox.put([frames.QUIT])
        else:
            raise RuntimeError(f"a frame of an unknown type: {kind!r}")
