"""Compiles a writer's schema into a function that reads a value: `read(payload, position) -> (value, next position)`.

The caller checks the bounds once: reading beyond the end of a record returns a position other than its end.
"""

from __future__ import annotations

import struct
from typing import Any, Callable

from .error import AvroError
from .limits import Limits, is_recursive, min_size
from .logical import Convert, class_of, native
from .schema import AvroType

Read = Callable[[bytes, int], "tuple[Any, int]"]

_FLOAT = struct.Struct("<f").unpack_from
_DOUBLE = struct.Struct("<d").unpack_from
# A longer string is decoded through a view, which does not copy its bytes.
_VIEWED = 65536


def compile_decoder(type: AvroType, limits: Limits, logical_types: bool = False) -> Read:
    """The reader of a type's values, which counts in `limits`. With `logical_types`, values of logical types are those of
    Python's own classes."""
    return _Compiler(is_recursive(type), limits, logical_types).compile(type)


class _Compiler:
    def __init__(self, counts_depth: bool, limits: Limits, logical_types: bool) -> None:
        self._counts_depth = counts_depth
        self._limits = limits
        self._logical_types = logical_types
        self._compiled: dict[str, Read] = {}

    def compile(self, type: AvroType) -> Read:
        convert = native(type) if self._logical_types else None
        return self._compile(type) if convert is None else _native(self._compile(type), convert)

    def _compile(self, type: AvroType) -> Read:
        if type.name is not None and type.name in self._compiled:
            return self._compiled[type.name]
        if type.kind == "record":
            return self._record(type)
        if type.kind == "union":
            return _union([self._branch(branch, type) for branch in type.branches])
        if type.kind == "array":
            read_block = _block_reader(min_size(type.inner), self._limits)
            return _array(self.compile(type.inner), read_block)
        if type.kind == "map":
            return _map(self.compile(type.inner), _block_reader(1 + min_size(type.inner), self._limits))
        if type.kind == "enum":
            return _enum(type)
        return _fixed(type.size) if type.kind == "fixed" else _PRIMITIVES[type.kind]

    def _branch(self, branch: AvroType, union: AvroType) -> Read:
        """The reader of a branch. Where several branches have values of one class, a value would be written in the first that
        takes it, so they stay values of their base types."""
        own = class_of(branch)
        is_ambiguous = own is not None and sum(class_of(other) == own for other in union.branches) > 1
        return self._compile(branch) if is_ambiguous else self.compile(branch)

    def _record(self, type: AvroType) -> Read:
        fields: list[tuple[str, Read]] = []
        read = self._compiled[type.name] = self._counted(_record(fields))
        fields.extend((field.name, self.compile(field.type)) for field in type.fields)
        return read

    def _counted(self, read: Read) -> Read:
        """The reader of a record, which counts as a level where values can nest without end."""
        if not self._counts_depth:
            return read
        limits = self._limits

        def read_level(payload: bytes, position: int) -> tuple[Any, int]:
            outside = limits.enter()
            found = read(payload, position)
            limits.depth = outside
            return found

        return read_level


def _native(read: Read, convert: Convert) -> Read:
    def read_native(payload: bytes, position: int) -> tuple[Any, int]:
        value, position = read(payload, position)
        return convert(value), position

    return read_native


def _read_null(payload: bytes, position: int) -> tuple[None, int]:
    return None, position


def _read_boolean(payload: bytes, position: int) -> tuple[bool, int]:
    byte = payload[position]
    if byte > 1:
        raise AvroError(f"a boolean is 0 or 1, not {byte}")
    return byte == 1, position + 1


def _read_long(payload: bytes, position: int) -> tuple[int, int]:
    byte = payload[position]
    position += 1
    if byte < 128:
        return (byte >> 1) ^ -(byte & 1), position
    number = byte & 127
    shift = 7
    while True:
        byte = payload[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise AvroError("a number in the payload has more than 10 bytes")
    if number >> 64:
        raise AvroError("a long in the payload does not fit in 64 bits")
    return (number >> 1) ^ -(number & 1), position


def _read_int(payload: bytes, position: int) -> tuple[int, int]:
    number, position = _read_long(payload, position)
    if not -0x80000000 <= number <= 0x7FFFFFFF:
        raise AvroError(f"an int in the payload is {number}, which does not fit in 32 bits")
    return number, position


def _read_float(payload: bytes, position: int) -> tuple[float, int]:
    return _FLOAT(payload, position)[0], position + 4


def _read_double(payload: bytes, position: int) -> tuple[float, int]:
    return _DOUBLE(payload, position)[0], position + 8


def _read_size(payload: bytes, position: int) -> tuple[int, int]:
    size, position = _read_long(payload, position)
    if not 0 <= size <= len(payload) - position:
        raise AvroError(f"a length in the payload is {size}, of which {max(len(payload) - position, 0)} bytes are left")
    return size, position


def _read_bytes(payload: bytes, position: int) -> tuple[bytes, int]:
    size, position = _read_size(payload, position)
    return payload[position : position + size], position + size


def _read_string(payload: bytes, position: int) -> tuple[str, int]:
    # Lengths of one or two bytes, which nearly every string has, are read here.
    low = payload[position]
    high = payload[position + 1] if low > 127 else 0
    if high < 128 and not low & 1:
        position += 1 if low < 128 else 2
        end = position + ((low & 127) >> 1) + (high << 6)
        return payload[position:end].decode(), end
    size, position = _read_size(payload, position)
    end = position + size
    if size > _VIEWED:
        return str(memoryview(payload)[position:end], "utf-8"), end
    return payload[position:end].decode(), end


def _enum(type: AvroType) -> Read:
    symbols = type.symbols

    def read(payload: bytes, position: int) -> tuple[str, int]:
        index, position = _read_long(payload, position)
        if not 0 <= index < len(symbols):
            raise AvroError(f"{type.name} has {len(symbols)} symbols, the payload has number {index}")
        return symbols[index], position

    return read


def _fixed(size: int) -> Read:
    def read(payload: bytes, position: int) -> tuple[bytes, int]:
        return payload[position : position + size], position + size

    return read


def _union(branches: list[Read]) -> Read:
    def read(payload: bytes, position: int) -> tuple[Any, int]:
        index, position = _read_long(payload, position)
        if not 0 <= index < len(branches):
            raise AvroError(f"a union has {len(branches)} branches, the payload has number {index}")
        return branches[index](payload, position)

    return read


def _block_reader(least: int, limits: Limits) -> Callable[[bytes, int], tuple[int, int]]:
    """Reads the count of a block's items, each of which takes `least` bytes or more."""

    def read(payload: bytes, position: int) -> tuple[int, int]:
        count, position = _read_long(payload, position)
        if count < 0:
            _, position = _read_long(payload, position)
            count = -count
        if least == 0:
            limits.count_empty(count)
        elif count * least > len(payload) - position:
            raise AvroError(f"a block of {count} items is longer than the payload")
        return count, position

    return read


def _array(read_item: Read, read_block: Callable[[bytes, int], tuple[int, int]]) -> Read:
    def read(payload: bytes, position: int) -> tuple[list, int]:
        items: list = []
        count, position = read_block(payload, position)
        while count:
            for _ in range(count):
                item, position = read_item(payload, position)
                items.append(item)
            count, position = read_block(payload, position)
        return items, position

    return read


def _map(read_value: Read, read_block: Callable[[bytes, int], tuple[int, int]]) -> Read:
    def read(payload: bytes, position: int) -> tuple[dict, int]:
        entries: dict = {}
        count, position = read_block(payload, position)
        while count:
            for _ in range(count):
                key, position = _read_string(payload, position)
                entries[key], position = read_value(payload, position)
            count, position = read_block(payload, position)
        return entries, position

    return read


def _record(fields: list[tuple[str, Read]]) -> Read:
    def read(payload: bytes, position: int) -> tuple[dict, int]:
        record = {}
        for name, read_field in fields:
            record[name], position = read_field(payload, position)
        return record, position

    return read


_PRIMITIVES: dict[str, Read] = {
    "null": _read_null,
    "boolean": _read_boolean,
    "int": _read_int,
    "long": _read_long,
    "float": _read_float,
    "double": _read_double,
    "bytes": _read_bytes,
    "string": _read_string,
}
