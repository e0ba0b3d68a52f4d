"""The protocol between the runtime (Node) and this process. A frame is a type (1 byte), the length of the body (u32) and
the body; numbers are big-endian. The other side is `runtime/hosts/framing/frames.ts`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional


class Record(NamedTuple):
    """A record to process: `frame[start:end]` is its single-object payload, `info` the JSON of its download, `trace` its trace
    parent."""

    id: int
    info: Optional[bytes]
    frame: bytes
    start: int
    end: int
    trace: bytes = b""


class Produce(NamedTuple):
    """A request for the next records of a source."""

    request: int


class Finish(NamedTuple):
    """The order to run the function's finish; its outputs and its outcome have this id."""

    id: int


#: Follows the records of each frame in the inbox.
END_OF_BATCH = object()
#: Exit once the earlier items are processed.
QUIT = object()

_HEAD = struct.Struct(">BI").pack
_OUTCOME = struct.Struct(">IB").pack
_OUTPUT_HEAD = struct.Struct(">IBB").pack
_MAIN_OUTPUT_HEAD = struct.Struct(">IBBI").pack
_U32 = struct.Struct(">I").pack
DONE_SIZE = 5
MAIN_OUTPUT_HEAD_SIZE = 10
_SLICE = struct.Struct(">IBI").pack
_TWO = struct.Struct(">II").unpack_from
_ONE = struct.Struct(">I").unpack_from


def head(kind: bytes, size: int) -> bytes:
    """The first five bytes of a frame."""
    return _HEAD(kind[0], size)


def done(record: int) -> bytes:
    return _OUTCOME(record, 0)


def failed(record: int, failure: bytes) -> bytes:
    return _OUTCOME(record, 1) + _U32(len(failure)) + failure


def released(record: int) -> bytes:
    return _OUTCOME(record, 2)


def ack_requested(record: int) -> bytes:
    return _OUTCOME(record, 5)


def output_head(record: int, side: bytes, size: int) -> bytes:
    """The bytes before the payload of an output that takes room until the runtime gives it back; `side` is empty for the
    main output."""
    return _OUTPUT_HEAD(record, 4, len(side)) + side + _U32(size)


def main_output_head(record: int, size: int) -> bytes:
    """The bytes before the payload of a main output that comes with the outcome of its record."""
    return _MAIN_OUTPUT_HEAD(record, 3, 0, size)


def heartbeat(record: int) -> bytes:
    return _U32(record)


class Misfit(NamedTuple):
    """A record of a source that does not fit: the JSON of its failure, and of the record itself as a text."""

    body: bytes


_MISFIT_MARK = 1 << 31


def source_slice(request: int, ended: bool, repeatable: bool, has_more: bool, records: list[bytes | Misfit]) -> list[bytes]:
    """The pieces of the response to a `Produce` request. Records of a generator are `repeatable`; a list whose rest comes
    with the next response `has_more`."""
    pieces = [_SLICE(request, ended | repeatable << 1 | has_more << 2, len(records))]
    for record in records:
        if isinstance(record, Misfit):
            pieces += (_U32(_MISFIT_MARK + len(record.body)), record.body)
        else:
            pieces += (_U32(len(record)), record)
    return pieces


def parse_records(frame: bytes) -> list[Record]:
    """The records of an `R` frame; payloads are not copied."""
    records = []
    position = 4
    for _ in range(_ONE(frame)[0]):
        number, info_size = _TWO(frame, position)
        position += 8
        info = frame[position : position + info_size] if info_size else None
        position += info_size + 1
        trace = frame[position : position + frame[position - 1]]
        start = position + len(trace) + 4
        position = start + _ONE(frame, start - 4)[0]
        records.append(Record(number, info, frame, start, position, trace))
    return records


def parse_finish(frame: bytes) -> Finish:
    """The order in an `N` frame."""
    return Finish(_ONE(frame)[0])


def parse_cancel(frame: bytes) -> int:
    """The record in an `X` frame."""
    return _ONE(frame)[0]


def parse_credit(frame: bytes) -> tuple[int, int]:
    """Number and bytes of the stored outputs in a `K` frame."""
    return _TWO(frame)
