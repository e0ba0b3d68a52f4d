"""One session of a host: load the code, run it, close."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import fcntl
import json
import os
import signal
import socket
import sys
from typing import Any, Callable

from kfbasicpy.avro import SchemaError
from kfbasicpy.function.open_context import OpenContext
from kfbasicpy.runtime.config import TOPOLOGY_VARIABLE, own_sink

from .console import end_lines, install_console
from .failure import failure_of
from .inbox import Inbox
from .loader import LoadError, load_entry, load_program, load_tasks
from .outbox import Outbox
from .outputs import Outputs
from .program import Program
from .reader import Reader
from .schemas import Schemas
from .source import Source
from .task_functions import TaskFunctions
from .user_function import UserFunction
from .window import Window
from .worker import Worker

_PR_SET_PDEATHSIG = 1
_HIGH_DESCRIPTOR = 500


def run_session() -> int:
    """Runs until the runtime sends the order to quit, and returns the exit status. If the runtime exits, so does this process."""
    _die_with_parent()
    # Ctrl-C reaches every process of the terminal; the runtime decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(file=sys.__stderr__)
    incoming, outgoing = _connection(3), _connection(4)
    outbox, inbox, window, reader = Outbox(outgoing), Inbox(), Window(), Reader(incoming)
    init = reader.read_init()
    install_console(outbox)
    # Registered first and therefore run last: what exit handlers of user code print is sent as well.
    atexit.register(outbox.flush)
    try:
        schemas = Schemas(init.get("schema"), init.get("schemaFingerprint"), init.get("sides") or {}, init.get("logicalTypes", False))
        reader.start(inbox, outbox, window, schemas)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        run, close, told = _prepare_tasks(init, inbox, outbox, window, schemas, reader) if init.get("tasks") else _prepare(init, inbox, outbox, window, schemas)
    except (LoadError, SchemaError) as error:
        end_lines()
        fatal = {"message": str(error), "trace": getattr(error, "trace", None)}
        outbox.send(b"F", [json.dumps(fatal).encode()])
        return 1
    hello = {"pid": os.getpid(), "python": sys.version.split()[0], **told}
    outbox.send(b"H", [json.dumps(hello).encode()])
    run(loop)
    _close(close, outbox)
    return 0


def _prepare(
    init: dict[str, Any], inbox: Inbox, outbox: Outbox, window: Window, schemas: Schemas
) -> tuple[Callable[[asyncio.AbstractEventLoop], None], Callable[[], None], dict[str, bool]]:
    """The function's `run` and `close`, and what the runtime must know of it."""
    os.environ[TOPOLOGY_VARIABLE] = json.dumps(init["topology"])
    ctx = OpenContext(init["namespace"], init["jobId"], init["functionId"], init["replica"], init["meta"])
    if init["kind"] == "source":
        if init.get("schema") is None:
            raise LoadError("the source has no schema; set schema")
        main = load_program(init)
        if main is not None:
            program = Program(main, own_sink(init["topology"])["topics"], outbox, schemas)
            return lambda loop: program.run(inbox), lambda: None, {}
    loaded = load_entry(init)
    if init["kind"] == "source":
        source = Source(loaded.entry, ctx, outbox, schemas)
        return lambda loop: source.run(inbox, loop), lambda: None, {}
    acks_manually = loaded.ack.manual or init.get("acksManually", False)
    function = UserFunction(loaded.entry, init["streamProcess"], ctx, loaded.finish, acks_manually, init.get("inputSchema"))
    worker = Worker(function, inbox, outbox, Outputs(outbox, window, schemas), schemas)
    return lambda loop: worker.run(loop, init["concurrency"]), function.close, {
        "finishes": function.finishes,
        "acksManually": acks_manually,
    }


def _prepare_tasks(
    init: dict[str, Any], inbox: Inbox, outbox: Outbox, window: Window, schemas: Schemas, reader: Reader
) -> tuple[Callable[[asyncio.AbstractEventLoop], None], Callable[[], None], dict[str, bool]]:
    """The `run` and `close` of a task worker."""
    functions = TaskFunctions(load_tasks(init), init["concurrency"])
    reader.on_cancel = functions.cancel
    worker = Worker(functions, inbox, outbox, Outputs(outbox, window, schemas), schemas, is_prompt=True)
    return lambda loop: worker.run(loop, init["concurrency"]), functions.close, {}


def _close(close: Callable[[], None], outbox: Outbox) -> None:
    try:
        close()
    except BaseException as error:
        outbox.log("ERROR", f"close failed: {failure_of(error).get('trace')}")
    end_lines()
    outbox.flush()


def _connection(descriptor: int) -> socket.socket:
    """The socket that the runtime opened, with a high number: what user code writes to or closes by its low number is
    another descriptor, of /dev/null."""
    for least in (_HIGH_DESCRIPTOR, descriptor + 1):
        try:
            moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least)
        except OSError:
            # The limit of open files is lower.
            continue
        placeholder = os.open(os.devnull, os.O_RDWR)
        os.dup2(placeholder, descriptor, inheritable=False)
        os.close(placeholder)
        return socket.socket(fileno=moved)
    return socket.socket(fileno=descriptor)


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, AttributeError) as error:
        # The process also exits when the socket is closed.
        sys.stderr.write(f"cannot request a signal for the death of the parent process: {error}\n")
