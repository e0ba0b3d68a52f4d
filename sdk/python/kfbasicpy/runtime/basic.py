"""What user code controls the runtime with: exceptions, and the program of an image."""

from __future__ import annotations

import abc
import contextlib
import os
import sys
from dataclasses import dataclass, field
from typing import Any, Iterator, NoReturn, Optional

from kfbasicpy.function.function import ProcessFunction, StreamProcessFunction

_REPLICA = os.path.join("dist", "js", "runtime", "replica", "main.js")


class AckException(Exception):
    """An error that acks its record: by default the record is not retried, and error side streams get it as JSON."""

    def should_ack(self) -> bool:
        """Return False to have the record redelivered, as after any other error."""
        return True

    def payload_as_json(self) -> bool:
        """Return False to send the record to error side streams in its Avro encoding."""
        return True


@dataclass(frozen=True)
class AckProps:
    """With `manual`, records are acked, and their outputs sent, when the function calls `ctx.request_ack()`."""

    manual: bool = False


class BasicRuntime:
    """The program of an image: runs one function as a replica of a flow."""

    def __init__(self, ack: AckProps = AckProps()) -> None:
        self.ack = ack
        self.function: Any = None

    def add_process_function(self, function: Any) -> None:
        """Sets the function: an instance of a ProcessFunction or StreamProcessFunction. Raises ValueError for a second one."""
        if self.function is not None:
            raise ValueError("a runtime has one process function")
        if not isinstance(function, (ProcessFunction, StreamProcessFunction)):
            raise TypeError(f"expected an instance of ProcessFunction or StreamProcessFunction, got {function!r}"[:200])
        self.function = function

    def run(self) -> NoReturn:
        """Runs the function until its replica ends, and does not return. Raises RuntimeError outside of a replica's container."""
        if self.function is None:
            raise ValueError("the runtime has no function; call add_process_function first")
        if _receivers:
            _receivers[-1].append(self)
            raise HandedOver
        start_replica()


@dataclass(frozen=True)
class Function:
    """A function of a topology, as `loadTopology` gives it. `out` is empty for a sink."""

    id: str
    type: str
    out: list[str] = field(default_factory=list)
    #: For the sink of a program: the subject of the stream that it writes to.
    topics: Optional[str] = None
    schema: Any = None
    meta: dict[str, Any] = field(default_factory=dict)


class SinkFunction(abc.ABC):
    """Writes records to what follows."""

    @abc.abstractmethod
    async def write(self, topics: str, event_dic: dict[str, Any]) -> None:
        """Resolves when the record is stored."""

    @abc.abstractmethod
    async def close(self) -> None:
        """No more records follow."""


def start_replica() -> NoReturn:
    """Replaces this process by a replica that runs the program in a process of its own. Raises RuntimeError outside of a
    replica's container."""
    if "KFLOW_SPEC" not in os.environ:
        raise RuntimeError("this program runs in the container of a replica, which has KFLOW_SPEC; on this machine, use kflow run with meta.module")
    program = os.path.abspath(getattr(sys.modules["__main__"], "__file__", None) or sys.argv[0])
    environment = {"KFLOW_PYTHON": sys.executable, **os.environ, "KFLOW_PROGRAM": program}
    sys.stdout.flush()
    os.execvpe("node", ["node", _replica_program()], environment)


class HandedOver(BaseException):
    """Ends a program whose runtime is run by the host that loads it."""


_receivers: list[list[BasicRuntime]] = []


@contextlib.contextmanager
def handed_over() -> Iterator[list[BasicRuntime]]:
    """Within it, `BasicRuntime.run` hands the runtime over in this list, and the program ends."""
    runtimes: list[BasicRuntime] = []
    _receivers.append(runtimes)
    try:
        yield runtimes
    except HandedOver:
        pass
    finally:
        _receivers.pop()


def _replica_program() -> str:
    """The runtime that this package belongs to: KFLOW_HOME, or where an image has it."""
    # sdk/python/kfbasicpy/runtime/basic.py
    own = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 4))
    homes: list[Optional[str]] = [os.environ.get("KFLOW_HOME"), own, "/opt/kflow"]
    for home in homes:
        if home and os.path.exists(os.path.join(home, _REPLICA)):
            return os.path.join(home, _REPLICA)
    raise RuntimeError("the runtime of KFlow is not in this image; build it on KFlow's, or set KFLOW_HOME to the folder of the package")
