"""Compiles a schema into a function that writes a value: `write(append, value)` appends its bytes in pieces, or raises AvroError."""

from __future__ import annotations

from typing import Any, Callable

from .default import default_value
from .error import AvroError, SchemaError, mismatch, shown
from .primitives import PRIMITIVE_WRITERS, Append, Write, pack_long, write_string
from .schema import MISSING, AvroType
from .union import compile_union


def compile_encoder(type: AvroType) -> Write:
    """The writer of a type's values. Raises SchemaError when a default does not fit its field."""
    compiler = _Compiler()
    write = compiler.compile(type)
    for fill in compiler.defaults:
        fill()
    return write


class _Compiler:
    def __init__(self) -> None:
        self._compiled: dict[str, Write] = {}
        # Called at the end, because the type of a default may still be compiling.
        self.defaults: list[Callable[[], None]] = []

    def compile(self, type: AvroType) -> Write:
        if type.name is not None and type.name in self._compiled:
            return self._compiled[type.name]
        if type.kind == "record":
            return self._record(type)
        if type.kind == "union":
            return compile_union(type, [self.compile(branch) for branch in type.branches])
        if type.kind == "array":
            return _array(self.compile(type.inner))
        if type.kind == "map":
            return _map(self.compile(type.inner))
        if type.kind == "enum":
            return _enum(type)
        if type.kind == "fixed":
            return _fixed(type)
        return PRIMITIVE_WRITERS[type.kind]

    def _record(self, type: AvroType) -> Write:
        fields: list[tuple[str, Write, Any]] = []
        write = _record_writer(type, fields)
        self._compiled[type.name] = write
        for field in type.fields:
            fields.append((field.name, self.compile(field.type), None))
        self.defaults.append(lambda: _fill_defaults(type, fields))
        return write


def _fill_defaults(type: AvroType, fields: list[tuple[str, Write, Any]]) -> None:
    for index, field in enumerate(type.fields):
        if field.default is MISSING:
            continue
        name, write, _ = fields[index]
        pieces: list[bytes] = []
        try:
            write(pieces.append, default_value(field.type, field.default))
        except AvroError as error:
            raise SchemaError(f"{type.name}.{name}: the default does not fit: {error}") from error
        fields[index] = (name, write, b"".join(pieces))


def _record_writer(type: AvroType, fields: list[tuple[str, Write, Any]]) -> Write:
    def write(append: Append, value: Any) -> None:
        if value.__class__ is not dict and not isinstance(value, dict):
            raise mismatch(f"record {type.name}", value)
        name = ""
        try:
            if len(value) == len(fields):
                for name, write_field, _ in fields:
                    write_field(append, value[name])
                return
        except AvroError as error:
            raise error.under(name)
        except KeyError:
            # One field is missing and another is unknown; the slow path below raises the error.
            pass
        _write_field_by_field(type, fields, append, value)

    return write


def _write_field_by_field(type: AvroType, fields: list[tuple[str, Write, Any]], append: Append, value: dict) -> None:
    absent = 0
    name = ""
    try:
        for name, write_field, default in fields:
            if name in value:
                write_field(append, value[name])
            elif default is None:
                raise AvroError("missing, and the schema has no default")
            else:
                append(default)
                absent += 1
    except AvroError as error:
        raise error.under(name)
    if len(value) + absent != len(fields):
        raise _unknown_field(type, value)


def _unknown_field(type: AvroType, value: dict) -> AvroError:
    known = {field.name for field in type.fields}
    name = next(key for key in value if key not in known)
    return AvroError(f"not a field of the record {type.name}").under(name if isinstance(name, str) else f"[{name!r}]")


def _array(write_item: Write) -> Write:
    def write(append: Append, value: Any) -> None:
        if not isinstance(value, (list, tuple)):
            raise mismatch("array", value)
        if value:
            append(pack_long(len(value)))
            index = 0
            try:
                for index, item in enumerate(value):
                    write_item(append, item)
            except AvroError as error:
                raise error.under(f"[{index}]")
        append(b"\0")

    return write


def _map(write_value: Write) -> Write:
    def write(append: Append, value: Any) -> None:
        if not isinstance(value, dict):
            raise mismatch("map", value)
        if value:
            append(pack_long(len(value)))
            key = ""
            try:
                for key, item in value.items():
                    write_string(append, key)
                    write_value(append, item)
            except AvroError as error:
                raise error.under(f'["{key}"]')
        append(b"\0")

    return write


def _enum(type: AvroType) -> Write:
    indexes = {symbol: pack_long(index) for index, symbol in enumerate(type.symbols)}

    def write(append: Append, value: Any) -> None:
        index = indexes.get(value) if isinstance(value, str) else None
        if index is None:
            raise AvroError(f"expected one of {', '.join(type.symbols)}, got {shown(value)}")
        append(index)

    return write


def _fixed(type: AvroType) -> Write:
    def write(append: Append, value: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)) or len(value) != type.size:
            raise mismatch(f"{type.size} bytes ({type.name})", value)
        append(bytes(value))

    return write
