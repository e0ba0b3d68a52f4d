"""Writers of the primitive types. Longs are zigzag varints; small ones come from a table."""

from __future__ import annotations

import struct
from typing import Any, Callable

from .error import AvroError, shown
from .plain import plain
from .remedy import mismatch
from .schema import AvroType

Append = Callable[[bytes], None]
Write = Callable[[Append, Any], None]

_FLOAT = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")


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


def _null(type: AvroType) -> Write:
    def write(append: Append, value: Any) -> None:
        if value is not None:
            raise mismatch(type, value)

    return write


def _boolean(type: AvroType) -> Write:
    def write(append: Append, value: Any) -> None:
        if value is True:
            append(b"\1")
        elif value is False:
            append(b"\0")
        else:
            truth = plain(value)
            if truth is not True and truth is not False:
                raise mismatch(type, value)
            append(b"\1" if truth else b"\0")

    return write


def _integer(bits: int) -> Callable[[AvroType], Write]:
    lowest, highest = -(1 << bits - 1), (1 << bits - 1) - 1

    def compile(type: AvroType) -> Write:
        def write(append: Append, value: Any) -> None:
            if value.__class__ is not int:
                value = _int_of(type, value)
            if not lowest <= value <= highest:
                raise AvroError(f"expected {type.label}, got {shown(value)}, which does not fit in {bits} bits")
            append(pack_long(value))

        return write

    return compile


def _int_of(type: AvroType, value: Any) -> int:
    """The int of a subclass, such as IntEnum, or of another library's scalar. A bool is none."""
    number = plain(value)
    if not isinstance(number, int) or isinstance(number, bool):
        raise mismatch(type, value)
    return int.__int__(number)


def _real(packer: struct.Struct) -> Callable[[AvroType], Write]:
    pack, unpack = packer.pack, packer.unpack

    def compile(type: AvroType) -> Write:
        def write(append: Append, value: Any) -> None:
            try:
                if value.__class__ is float:
                    append(pack(value))
                else:
                    append(pack(_real_of(type, value, lambda number: unpack(pack(number))[0])))
            except (OverflowError, struct.error):
                raise AvroError(f"expected {type.label}, got {shown(value)}, which is out of range") from None

        return write

    return compile


def _real_of(type: AvroType, value: Any, stored: Callable[[float], float]) -> float:
    """The number of a subclass or of another library's scalar. An integer must be held exactly."""
    number = plain(value)
    if isinstance(number, float):
        return float.__float__(number)
    if not isinstance(number, int) or isinstance(number, bool):
        raise mismatch(type, value)
    if stored(number) != number:
        raise AvroError(f"expected {type.label}, got {shown(value)}, which it cannot hold exactly; use float(value) to round it")
    return number


def _bytes(type: AvroType) -> Write:
    def write(append: Append, value: Any) -> None:
        data = bytes_of(type, value)
        append(pack_long(len(data)))
        append(data)

    return write


def bytes_of(type: AvroType, value: Any) -> bytes:
    """The bytes of any of Python's three classes of bytes. Raises AvroError for anything else."""
    if value.__class__ is bytes:
        return value
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise mismatch(type, value)
    return bytes(value)


def _string(type: AvroType) -> Write:
    def write(append: Append, value: Any) -> None:
        if value.__class__ is not str and not isinstance(value, str):
            raise mismatch(type, value)
        try:
            data = str.encode(value)
        except UnicodeEncodeError as error:
            at = f"U+{ord(value[error.start]):04X} at {error.start}"
            raise AvroError(f"expected {type.label}, got text with half a surrogate pair, {at}, which UTF-8 cannot encode") from None
        size = len(data)
        if size < _TABLED:
            append(_SMALL[size] + data)
        else:
            append(pack_long(size))
            append(data)

    return write


#: The writer of a string as it is: of a key of a map.
write_text = _string(AvroType("string"))

_COMPILERS: dict[str, Callable[[AvroType], Write]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _integer(32),
    "long": _integer(64),
    "float": _real(_FLOAT),
    "double": _real(_DOUBLE),
    "bytes": _bytes,
    "string": _string,
}


def compile_primitive(type: AvroType) -> Write:
    """The writer of a primitive type's values."""
    return _COMPILERS[type.kind](type)


def is_float(number: float) -> bool:
    """Whether `float` holds the number exactly."""
    if number != number:
        return True
    try:
        return _FLOAT.unpack(_FLOAT.pack(number))[0] == number
    except OverflowError:
        return False
