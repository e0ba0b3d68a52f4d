"""The schemas of a function: the writer's schemas of its inputs and the schemas of its outputs."""

from __future__ import annotations

from typing import Any, Optional

from kfbasicpy.avro import AvroError, Codec, SchemaError

from .frames import Record

_MAGIC = b"\xc3\x01"
_HEADER = 10


class RecordError(Exception):
    """A record cannot be decoded, or the result of the function cannot be encoded."""


class Schemas:
    """Decodes inputs and encodes outputs. The reader's thread adds a writer's schema before the first record that needs it."""

    def __init__(self, schema: Optional[dict], fingerprint: Optional[str], sides: dict[str, dict[str, Any]], logical_types: bool = False) -> None:
        """With `logical_types`, inputs are decoded to Python's own classes. Raises SchemaError when a declared schema is not
        valid."""
        self._logical_types = logical_types
        self._writers: dict[bytes, Any] = {}
        self._declared = _declared(schema, fingerprint, logical_types)
        self._sides = {side: _declared(spec.get("schema"), spec.get("fingerprint"), logical_types) for side, spec in sides.items()}

    def add(self, fingerprint: str, schema: Any) -> None:
        """Adds a writer's schema. If it is invalid, decoding its records fails."""
        key = bytes.fromhex(fingerprint)
        try:
            self._writers[key] = Codec(schema, self._logical_types)
        except SchemaError as error:
            self._writers[key] = error

    def decode(self, record: Record) -> dict[str, Any]:
        """The decoded record. Raises RecordError."""
        frame, start = record.frame, record.start
        writer = self._writers.get(frame[start + 2 : start + _HEADER])
        if writer is None or isinstance(writer, SchemaError):
            raise RecordError(f"the writer's schema of the record is {'unknown' if writer is None else f'invalid: {writer}'}")
        try:
            return writer.decode(frame, start + _HEADER, record.end)
        except AvroError as error:
            raise RecordError(f"the record cannot be decoded: {error}") from None

    def encode(self, event: Any, record: Optional[Record] = None) -> bytes:
        """Encodes an output in the declared schema or, if it does not fit, in the schema of the input `record`. Raises
        RecordError, which names the first field that does not fit the declared schema."""
        if self._declared is None:
            return self._encode_as_input(event, record)
        codec, header = self._declared
        try:
            return codec.encode(event, header)
        except AvroError as error:
            fault = error
        try:
            return self._encode_as_input(event, record)
        except RecordError:
            raise RecordError(f"the output does not fit the function's schema: {fault}") from None

    def new_record(self, side: Optional[str]) -> dict[str, Any]:
        """A record of an output with the defaults of its schema. Raises RecordError."""
        declared = self._declared if side is None else self._side(side)
        if declared is None:
            raise RecordError("the output has no schema; set schema")
        return declared[0].new_record()

    def encode_side(self, side: str, event: Any) -> bytes:
        """Encodes a record of a side output. Raises RecordError."""
        codec, header = self._side(side)
        try:
            return codec.encode(event, header)
        except AvroError as error:
            raise RecordError(f'the record does not fit the schema of the side output "{side}": {error}') from None

    def _side(self, side: str) -> tuple[Codec, bytes]:
        if side not in self._sides:
            known = ", ".join(self._sides) or "none"
            raise RecordError(f'the function has no side output "{side}"; declared: {known}')
        declared = self._sides[side]
        if declared is None:
            raise RecordError(f'the side output "{side}" has no schema')
        return declared

    def _encode_as_input(self, event: Any, record: Optional[Record]) -> bytes:
        if record is None:
            raise RecordError("the function declares no schema")
        header = record.frame[record.start : record.start + _HEADER]
        try:
            return self._writers[header[2:]].encode(event, header)
        except AvroError as error:
            raise RecordError(f"the output does not fit the input's schema, and the function declares none: {error}") from None


def _declared(schema: Optional[dict], fingerprint: Optional[str], logical_types: bool) -> Optional[tuple[Codec, bytes]]:
    if schema is None or fingerprint is None:
        return None
    return Codec(schema, logical_types), _MAGIC + bytes.fromhex(fingerprint)
