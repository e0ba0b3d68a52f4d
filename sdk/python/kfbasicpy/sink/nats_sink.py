"""The sink of a raw-source's program."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, Optional, Protocol

from kfbasicpy.runtime.basic import Function, SinkFunction


class Writer(Protocol):
    """What the host of a program does for its sink. Every method may be called from any thread."""

    topics: str

    def write(self, event: Any) -> Future[None]: ...

    def close(self) -> None: ...


class NatsSink(SinkFunction):
    """Writes records to the stream of a raw-source."""

    #: The writer of this process; None outside of a raw-source.
    _writer: Optional[Writer] = None

    def __init__(self, writer: Writer) -> None:
        """Use `NatsSink.build`."""
        self._own = writer

    @classmethod
    async def build(cls, function: Function) -> NatsSink:
        """The sink of this program, a function of `loadTopology().dag`. Raises RuntimeError in a process that is not the
        program of a raw-source, ValueError for another function."""
        if cls._writer is None:
            raise RuntimeError(
                "NatsSink belongs to the main process of a raw-source's program; "
                "a program in several modules names NatsSink in its main file too: import it there"
            )
        if function.topics != cls._writer.topics:
            raise ValueError(f'"{function.id}" is not the sink of this program; take the function of loadTopology().dag without out')
        return cls(cls._writer)

    async def write(self, topics: str, event_dic: dict[str, Any]) -> None:
        """Resolves when the record is stored, in the stream or, if it does not fit the schema, as a dead letter of the flow.
        Any number of writes may wait at a time: that is faster than one after the other. Raises ValueError for other topics
        than those of the sink, RuntimeError after `close`."""
        if topics != self._own.topics:
            raise ValueError(f'topics: expected "{self._own.topics}", got "{topics}"')
        await asyncio.wrap_future(self._own.write(event_dic))

    async def close(self) -> None:
        """The source has no more records: a batch ends. The end of the program says the same."""
        self._own.close()
