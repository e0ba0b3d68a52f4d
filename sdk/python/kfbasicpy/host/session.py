"""One replica's life: connect, load, run, leave."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import json
import os
import signal
import socket
import sys
from typing import Any, Callable

from kfbasicpy.avro import SchemaError
from kfbasicpy.function.open_context import OpenContext

from .console import end_lines, install_console
from .failure import failure_of
from .inbox import Inbox
from .loader import LoadError, load_entry
from .outbox import Outbox
from .reader import Reader
from .schema_book import SchemaBook
from .source import Source
from .user_function import UserFunction
from .window import Window
from .worker import Worker

_PR_SET_PDEATHSIG = 1


def run_session(path: str) -> int:
    """Runs until the runtime says so; gives the exit status. The process ends by itself when the runtime is gone."""
    _die_with_parent()
    # Ctrl-C goes to the whole terminal; when to end is the runtime's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(file=sys.__stderr__)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    outbox, inbox, window, reader = Outbox(connection), Inbox(), Window(), Reader(connection)
    init = reader.read_init()
    install_console(outbox)
    # Registered first, so run last: what user code prints at its own exit is sent too.
    atexit.register(outbox.flush)
    try:
        book = SchemaBook(init.get("schema"), init.get("schemaFingerprint"), init.get("sides") or {})
        reader.start(inbox, outbox, window, book)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        run, close, streams = _prepare(init, inbox, outbox, window, book)
    except (LoadError, SchemaError) as error:
        end_lines()
        fatal = {"message": str(error), "trace": getattr(error, "trace", None)}
        outbox.send(b"F", [json.dumps(fatal).encode()])
        return 1
    hello = {"pid": os.getpid(), "python": sys.version.split()[0], "streams": streams}
    outbox.send(b"H", [json.dumps(hello).encode()])
    run(loop)
    _close(close, outbox)
    return 0


def _prepare(
    init: dict[str, Any], inbox: Inbox, outbox: Outbox, window: Window, book: SchemaBook
) -> tuple[Callable[[asyncio.AbstractEventLoop], None], Callable[[], None], bool]:
    """How to run the function, how to close it, and whether it streams."""
    ctx = OpenContext(init["namespace"], init["jobId"], init["functionId"], init["replica"], init["meta"])
    entry = load_entry(init)
    if init["kind"] == "source":
        if init.get("schema") is None:
            raise LoadError("a source needs a schema: nothing else says how its records are written")
        source = Source(entry, ctx, outbox, book)
        return lambda loop: source.run(inbox, loop), lambda: None, False
    function = UserFunction(entry, init["streamProcess"], ctx)
    worker = Worker(function, inbox, outbox, window, book)
    return lambda loop: worker.run(loop, init["concurrency"]), function.close, function.streams


def _close(close: Callable[[], None], outbox: Outbox) -> None:
    try:
        close()
    except BaseException as error:
        outbox.log("ERROR", f"close failed: {failure_of(error)['trace']}")
    end_lines()
    outbox.flush()


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, AttributeError) as error:
        # The end of the socket ends this process as well.
        sys.stderr.write(f"no signal at the parent's death: {error}\n")
