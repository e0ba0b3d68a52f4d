"""A schema's encoder and decoder in one."""

from __future__ import annotations

import struct
from typing import Any, Optional, Union

from .decoder import compile_decoder
from .encoder import compile_encoder
from .error import AvroError
from .schema import parse_schema


class Codec:
    """Encodes and decodes values of one schema; raises SchemaError when the schema is not valid."""

    def __init__(self, schema: Union[str, dict, list]) -> None:
        type = parse_schema(schema)
        self._write = compile_encoder(type)
        self._read = compile_decoder(type)

    def encode(self, value: Any, header: bytes = b"") -> bytes:
        """`header` and the value's encoding; raises AvroError that names the first place which does not fit."""
        parts = [header]
        self._write(parts.append, value)
        return b"".join(parts)

    def decode(self, payload: bytes, start: int = 0, end: Optional[int] = None) -> Any:
        """The value in `payload[start:end]`, which it must fill; raises AvroError."""
        stop = len(payload) if end is None else end
        try:
            value, position = self._read(payload, start)
        except (IndexError, struct.error) as error:
            raise AvroError("the payload ends before its schema does") from error
        except UnicodeDecodeError as error:
            raise AvroError(f"a string of the payload is not UTF-8: {error.reason}") from error
        if position != stop:
            raise AvroError(f"the payload has {stop - start} bytes, its schema reads {position - start}")
        return value
