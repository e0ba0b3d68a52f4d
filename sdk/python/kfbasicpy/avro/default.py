"""Converts the JSON of a field's default to its value."""

from __future__ import annotations

import struct
from typing import Any, Callable, NamedTuple

from .error import AvroError
from .remedy import mismatch
from .schema import MISSING, AvroType, Field


# Defaults of records take the defaults of their fields, so a short schema can stand for any number of values.
_MAX_VALUES = 10_000


class OfBranch(NamedTuple):
    """A default of a union: the index of the first branch that it fits, and its value there."""

    index: int
    value: Any


def default_value(type: AvroType, default: Any) -> Any:
    """The value of a default, in which each value of a union is an `OfBranch`. Raises AvroError."""
    return _Reading().value(type, default)


class _Reading:
    def __init__(self) -> None:
        self._values = 0
        # Fields whose default is being read.
        self._open: set[int] = set()

    def value(self, type: AvroType, default: Any) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise AvroError(f"the default stands for more than {_MAX_VALUES:,} values")
        if type.kind == "record":
            return self._record(type, _checked(type, default, isinstance(default, dict)))
        if type.kind == "union":
            return self._union(type, default)
        if type.kind == "array":
            return [self.value(type.inner, item) for item in _checked(type, default, isinstance(default, list))]
        if type.kind == "map":
            entries = _checked(type, default, isinstance(default, dict)).items()
            return {_string(_KEY, key): self.value(type.inner, item) for key, item in entries}
        return _OF_KIND[type.kind](type, default)

    def _record(self, type: AvroType, given: dict) -> dict:
        # Keys that are no fields are ignored.
        record = {}
        for field in type.fields:
            if field.name in given:
                record[field.name] = self.value(field.type, given[field.name])
            else:
                record[field.name] = self._of_field(field)
        return record

    def _of_field(self, field: Field) -> Any:
        if field.default is MISSING:
            raise AvroError("missing, and the field has no default").under(field.name)
        if id(field) in self._open:
            raise AvroError("the default contains itself").under(field.name)
        self._open.add(id(field))
        try:
            return self.value(field.type, field.default)
        finally:
            self._open.discard(id(field))

    def _union(self, type: AvroType, default: Any) -> OfBranch:
        faults = []
        for index, branch in enumerate(type.branches):
            try:
                return OfBranch(index, self.value(branch, default))
            except AvroError as error:
                faults.append(error)
        raise faults[0] if len(faults) == 1 else mismatch(type, default)


def _null(type: AvroType, default: Any) -> None:
    if default is not None:
        raise mismatch(type, default)


def _boolean(type: AvroType, default: Any) -> bool:
    return _checked(type, default, isinstance(default, bool))


def _integer(type: AvroType, default: Any) -> int:
    # JSON does not distinguish 1.0 from 1.
    number = int(default) if isinstance(default, float) and default.is_integer() else default
    _checked(type, default, isinstance(number, int) and not isinstance(number, bool))
    limit = 1 << (31 if type.kind == "int" else 63)
    return _checked(type, number, -limit <= number < limit)


def _real(type: AvroType, default: Any) -> float:
    _checked(type, default, isinstance(default, (int, float)) and not isinstance(default, bool))
    try:
        number = float(default)
        struct.pack("<f" if type.kind == "float" else "<d", number)
    except OverflowError:
        raise mismatch(type, default) from None
    return _checked(type, number, number - number == 0)


def _string(type: AvroType, default: Any) -> str:
    _checked(type, default, isinstance(default, str))
    return _checked(type, default, not any("\ud800" <= character <= "\udfff" for character in default))


def _enum(type: AvroType, default: Any) -> str:
    return _checked(type, default, isinstance(default, str) and default in type.symbols)


def _bytes(type: AvroType, default: Any) -> bytes:
    _checked(type, default, isinstance(default, str))
    try:
        data = default.encode("latin-1")
    except UnicodeEncodeError:
        raise AvroError("expected characters from U+0000 to U+00FF in a default of bytes") from None
    if type.kind == "fixed" and len(data) != type.size:
        raise AvroError(f"expected {type.size} bytes ({type.label}), got {len(data)}")
    return data


def _checked(type: AvroType, default: Any, fits: bool) -> Any:
    if not fits:
        raise mismatch(type, default)
    return default


_KEY = AvroType("string")
_OF_KIND: dict[str, Callable[[AvroType, Any], Any]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _integer,
    "long": _integer,
    "float": _real,
    "double": _real,
    "string": _string,
    "enum": _enum,
    "bytes": _bytes,
    "fixed": _bytes,
}
