"""Runs the program of a raw-source, and sends what it writes in slices, one per request.

G1. A request says that the records of the slice before are stored: their writes resolve.
G2. A request is answered within _WAIT_S, without records if there are none, so that a stop does not wait for the program.
G3. The source has ended when the sink is closed, or the program has ended, with everything written.
G4. At the order to quit, the program gets a SIGTERM; one that has no handler of its own ends with SystemExit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from concurrent.futures import Future
from typing import Any, Callable, Optional

from kfbasicpy.sink.nats_sink import NatsSink

from . import frames
from .console import end_lines
from .failure import failure_of
from .inbox import Inbox
from .outbox import Outbox
from .schemas import Schemas
from .source import SLICE_BYTES, SLICE_RECORDS, produced, size_of

_WAIT_S = 1.0


class Program:
    """A program that writes to a sink, and the sink's side in the host."""

    def __init__(self, main: Callable[[], None], topics: str, outbox: Outbox, schemas: Schemas) -> None:
        self.topics = topics
        self._main = main
        self._outbox = outbox
        self._schemas = schemas
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Any, Future[None]]] = deque()
        #: Writes of the last slice: they resolve with the next request.
        self._sent: list[Future[None]] = []
        self._ended = False
        self._failure: Optional[dict[str, Any]] = None
        self._is_quitting = False
        #: The program has returned or failed; a closed sink says nothing about that.
        self._is_over = False
        self._pid = os.getpid()

    def run(self, inbox: Inbox) -> None:
        """Runs the program in this thread, the main thread, until the order to quit."""
        NatsSink._writer = self
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        server = threading.Thread(target=self._serve, args=(inbox,), daemon=True, name="kflow-program")
        server.start()
        failure: Optional[dict[str, Any]] = None
        try:
            self._main()
            _join_threads()
        except BaseException as error:
            if not self._is_quitting and not _is_success(error):
                failure = failure_of(error)
        end_lines()
        if self._is_quitting:
            return
        with self._changed:
            self._is_over = True
            self._failure = failure
            self._ended = failure is None
            self._changed.notify_all()
        server.join()

    def write(self, event: Any) -> Future[None]:
        """Resolves when the record is stored."""
        if os.getpid() != self._pid:
            raise RuntimeError("a forked process has no sink: write from the program itself")
        record = produced(event, self._schemas)
        done: Future[None] = Future()
        with self._changed:
            if self._ended:
                raise RuntimeError("the sink is closed")
            self._waiting.append((record, done))
            self._changed.notify_all()
        return done

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _serve(self, inbox: Inbox) -> None:
        while True:
            item = inbox.get()
            if item is frames.QUIT:
                self._quit()
                return
            if isinstance(item, frames.Produce):
                self._resolve()  # G1
                self._respond(item.request)

    def _respond(self, request: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._failure, _WAIT_S)  # G2
            records = self._take()
            has_ended = self._ended and not self._waiting and not records
            failure = self._failure
        if failure is not None and not records:
            self._outbox.send(b"E", [json.dumps({"request": request, "failure": failure}).encode()])
            return
        self._outbox.send(b"G", frames.source_slice(request, has_ended, False, False, records))

    def _take(self) -> list[bytes | frames.Misfit]:
        records: list[bytes | frames.Misfit] = []
        size = 0
        while self._waiting and len(records) < SLICE_RECORDS and size < SLICE_BYTES:
            record, done = self._waiting.popleft()
            records.append(record)
            self._sent.append(done)
            size += size_of(record)
        return records

    def _resolve(self) -> None:
        sent, self._sent = self._sent, []
        for done in sent:
            if done.set_running_or_notify_cancel():
                done.set_result(None)

    def _quit(self) -> None:
        self._is_quitting = True
        with self._changed:
            # What closed its sink is about to end.
            is_over = self._changed.wait_for(lambda: self._is_over, _WAIT_S if self._ended else 0)
        if not is_over:
            os.kill(os.getpid(), signal.SIGTERM)  # G4


def _is_success(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)


def _join_threads() -> None:
    """As at the end of a program, its threads are waited for."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
