"""Compiles a schema into a function that writes a value: `write(append, value)` appends its bytes in pieces, or raises AvroError."""

from __future__ import annotations

from typing import Any, Callable

from .default import default_value
from .error import AvroError, SchemaError, quoted, shown
from .limits import Limits, is_recursive, min_size
from .logical import converter
from .plain import entries_of, fields_of, is_array, items_of, plain
from .primitives import Append, Write, bytes_of, compile_primitive, is_float, pack_long, write_text
from .remedy import mismatch
from .schema import MISSING, AvroType
from .union import compile_union


def compile_encoder(type: AvroType, limits: Limits) -> Write:
    """The writer of a type's values, which counts in `limits`. Raises SchemaError when a default does not fit its field."""
    compiler = _Compiler(is_recursive(type), limits)
    write = compiler.compile(type)
    for fill in compiler.defaults:
        fill()
    return write


class _Compiler:
    def __init__(self, counts_depth: bool, limits: Limits) -> None:
        self._counts_depth = counts_depth
        self._limits = limits
        self._compiled: dict[str, Write] = {}
        # Called at the end, because the type of a default may still be compiling.
        self.defaults: list[Callable[[], None]] = []

    def compile(self, type: AvroType) -> Write:
        if type.name is not None and type.name in self._compiled:
            return self._compiled[type.name]
        write = self._compile(type)
        convert = converter(type)
        return write if convert is None else _converted(write, convert)

    def _compile(self, type: AvroType) -> Write:
        if type.kind == "record":
            return self._record(type)
        if type.kind == "union":
            return compile_union(type, [self.compile(branch) for branch in type.branches], self._limits)
        if type.kind == "array":
            count = self._limits.count_empty if min_size(type.inner) == 0 else None
            return _array(type, self.compile(type.inner), count)
        if type.kind == "map":
            return _map(type, self.compile(type.inner))
        if type.kind == "enum":
            return _enum(type)
        if type.kind == "float":
            return _float(type, compile_primitive(type), self._limits)
        return _fixed(type) if type.kind == "fixed" else compile_primitive(type)

    def _record(self, type: AvroType) -> Write:
        fields: list[tuple[str, Write, Any]] = []
        write = self._compiled[type.name] = self._counted(_record(type, fields, self._limits))
        for field in type.fields:
            fields.append((field.name, self.compile(field.type), None))
        self.defaults.append(lambda: _fill_defaults(type, fields))
        return write

    def _counted(self, write: Write) -> Write:
        """The writer of a record, which counts as a level where values can nest without end."""
        if not self._counts_depth:
            return write
        limits = self._limits

        def write_level(append: Append, value: Any) -> None:
            outside = limits.enter()
            write(append, value)
            limits.depth = outside

        return write_level


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


def _converted(write: Write, convert: Callable[[Any], Any]) -> Write:
    return lambda append, value: write(append, convert(value))


def _record(type: AvroType, fields: list[tuple[str, Write, Any]], limits: Limits) -> Write:
    def write(append: Append, value: Any) -> None:
        if value.__class__ is not dict:
            entries = fields_of(value)
            if entries is None:
                raise mismatch(type, value)
            value = entries
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
        _write_field_by_field(type, fields, limits, append, value)

    return write


def _write_field_by_field(type: AvroType, fields: list[tuple[str, Write, Any]], limits: Limits, append: Append, value: dict) -> None:
    absent = 0
    name = ""
    try:
        for name, write_field, default in fields:
            if name in value:
                write_field(append, value[name])
            elif default is None or limits.complete:
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
    return AvroError(f"not a field of the record {type.name}").under(name if isinstance(name, str) else f"[{shown(name)}]")


def _float(type: AvroType, write_float: Write, limits: Limits) -> Write:
    def write(append: Append, value: Any) -> None:
        if limits.exact:
            number = plain(value)
            if isinstance(number, float) and number.is_integer() and not is_float(number):
                raise AvroError(f"expected {type.label}, got {shown(value)}, which it cannot hold exactly")
        write_float(append, value)

    return write


def _array(type: AvroType, write_item: Write, count_empty: Any) -> Write:
    def write(append: Append, value: Any) -> None:
        if value.__class__ is not list:
            if not is_array(value):
                raise mismatch(type, value)
            value = items_of(value)
        if value:
            if count_empty is not None:
                count_empty(len(value))
            append(pack_long(len(value)))
            index = 0
            try:
                for index, item in enumerate(value):
                    write_item(append, item)
            except AvroError as error:
                raise error.under(f"[{index}]")
        append(b"\0")

    return write


def _map(type: AvroType, write_value: Write) -> Write:
    def write(append: Append, value: Any) -> None:
        if value.__class__ is not dict:
            entries = entries_of(value)
            if entries is None:
                raise mismatch(type, value)
            value = entries
        if value:
            append(pack_long(len(value)))
            key: Any = ""
            try:
                for key, item in value.items():
                    write_text(append, key)
                    write_value(append, item)
            except AvroError as error:
                raise error.under(f"[{quoted(key) if isinstance(key, str) else shown(key)}]")
        append(b"\0")

    return write


def _enum(type: AvroType) -> Write:
    indexes = {symbol: pack_long(index) for index, symbol in enumerate(type.symbols)}

    def write(append: Append, value: Any) -> None:
        # The hash of an enum.Enum that is a str is not that of its text.
        index = indexes.get(str.__str__(value)) if isinstance(value, str) else None
        if index is None:
            raise AvroError(f"expected one of {', '.join(type.symbols)} ({type.name}), got {shown(value)}{_of_member(type, value)}")
        append(index)

    return write


def _of_member(type: AvroType, value: Any) -> str:
    for name in ("value", "name"):
        symbol = getattr(value, name, None)
        if isinstance(symbol, str) and symbol in type.symbols:
            return f"; use .{name}"
    return ""


def _fixed(type: AvroType) -> Write:
    def write(append: Append, value: Any) -> None:
        data = bytes_of(type, value)
        if len(data) != type.size:
            raise AvroError(f"expected {type.size} bytes ({type.label}), got {shown(data)}")
        append(data)

    return write
