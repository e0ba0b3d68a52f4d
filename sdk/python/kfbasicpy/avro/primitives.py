"""Writers of the primitive types. Longs are zigzag varints; small ones come from a table."""

from __future__ import annotations

import struct
from typing import Any, Callable

from .error import AvroError, mismatch

Append = Callable[[bytes], None]
Write = Callable[[Append, Any], None]

_FLOAT = struct.Struct("<f").pack
_DOUBLE = struct.Struct("<d").pack


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


_TABLED = 8192
# The encodings of 0 to 8191, by number.
_SMALL = [_varint(number << 1) for number in range(_TABLED)]


def pack_long(number: int) -> bytes:
    """Encodes a 64-bit number; the caller checks the range."""
    if 0 <= number < _TABLED:
        return _SMALL[number]
    return _varint((number << 1) ^ (number >> 63))


def _write_null(append: Append, value: Any) -> None:
    if value is not None:
        raise mismatch("null", value)


def _write_boolean(append: Append, value: Any) -> None:
    if value is True:
        append(b"\1")
    elif value is False:
        append(b"\0")
    else:
        raise mismatch("boolean", value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _write_int(append: Append, value: Any) -> None:
    if not _is_int(value):
        raise mismatch("int", value)
    if not -0x80000000 <= value <= 0x7FFFFFFF:
        raise AvroError(f"expected int, got {value}, which does not fit in 32 bits")
    append(pack_long(value))


def _write_long(append: Append, value: Any) -> None:
    if value.__class__ is not int and not _is_int(value):
        raise mismatch("long", value)
    if not -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
        raise AvroError(f"expected long, got {value}, which does not fit in 64 bits")
    append(pack_long(value))


def _real(kind: str, pack: Callable[[float], bytes]) -> Write:
    def write(append: Append, value: Any) -> None:
        if not isinstance(value, float) and not _is_int(value):
            raise mismatch(kind, value)
        try:
            append(pack(value))
        except (OverflowError, struct.error):
            raise AvroError(f"expected {kind}, got {value}, which is out of range") from None

    return write


def _write_bytes(append: Append, value: Any) -> None:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise mismatch("bytes", value)
    data = value if isinstance(value, bytes) else bytes(value)
    append(pack_long(len(data)))
    append(data)


def write_string(append: Append, value: Any) -> None:
    """Writes a string, or a key of a map."""
    if value.__class__ is not str and not isinstance(value, str):
        raise mismatch("string", value)
    try:
        data = value.encode()
    except UnicodeEncodeError as error:
        raise AvroError(f"expected string, got text that UTF-8 cannot encode: {error.reason}") from None
    size = len(data)
    if size < _TABLED:
        append(_SMALL[size] + data)
    else:
        append(pack_long(size))
        append(data)


PRIMITIVE_WRITERS: dict[str, Write] = {
    "null": _write_null,
    "boolean": _write_boolean,
    "int": _write_int,
    "long": _write_long,
    "float": _real("float", _FLOAT),
    "double": _real("double", _DOUBLE),
    "bytes": _write_bytes,
    "string": write_string,
}
