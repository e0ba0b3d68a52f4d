"""Encodes and decodes the values of a schema."""

from __future__ import annotations

import struct
from typing import Any, Optional, Union

from .decoder import compile_decoder
from .default import default_value
from .encoder import compile_encoder
from .error import AvroError
from .limits import Limits, counts, is_recursive, make_room_for_recursion, too_deep_for_python
from .parser import parse_schema
from .schema import MISSING


class Codec:
    """The encoder and the decoder of one schema, for any number of threads. With `logical_types`, values of logical types are
    decoded to Python's own classes. Raises SchemaError when the schema is not valid."""

    def __init__(self, schema: Union[str, dict, list], logical_types: bool = False) -> None:
        type = self._type = parse_schema(schema)
        self._logical_types = logical_types
        if is_recursive(type):
            make_room_for_recursion()
        limits = Limits()
        self._limits = limits if counts(type) else None
        self._write = compile_encoder(type, limits)
        self._read = compile_decoder(type, limits, logical_types)

    def new_record(self) -> dict[str, Any]:
        """A record in which each field that has a default has it, and no other field is."""
        record = {}
        for field in self._type.fields:
            if field.default is not MISSING:
                parts: list[bytes] = []
                compile_encoder(field.type, Limits())(parts.append, default_value(field.type, field.default))
                record[field.name] = compile_decoder(field.type, Limits(), self._logical_types)(b"".join(parts), 0)[0]
        return record

    def encode(self, value: Any, header: bytes = b"") -> bytes:
        """The encoded value after `header`. Raises AvroError, which names the first place that does not fit."""
        parts = [header]
        try:
            self._write(parts.append, value)
        except RecursionError:
            raise too_deep_for_python() from None
        finally:
            if self._limits is not None:
                self._limits.reset()
        return b"".join(parts)

    def decode(self, payload: bytes, start: int = 0, end: Optional[int] = None) -> Any:
        """The value that `payload[start:end]` encodes. Raises AvroError when it ends before or after `end`."""
        stop = len(payload) if end is None else end
        try:
            value, position = self._read(payload, start)
        except (IndexError, struct.error) as error:
            raise AvroError("the payload is truncated") from error
        except UnicodeDecodeError as error:
            raise AvroError(f"a string in the payload is not UTF-8: {error.reason}") from error
        except RecursionError:
            raise too_deep_for_python() from None
        finally:
            if self._limits is not None:
                self._limits.reset()
        if position != stop:
            raise AvroError(f"the payload has {stop - start} bytes, expected {position - start}")
        return value
