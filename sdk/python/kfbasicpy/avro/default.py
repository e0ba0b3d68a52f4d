"""Converts the JSON of a field's default to its value."""

from __future__ import annotations

from typing import Any

from .error import AvroError, mismatch
from .schema import MISSING, AvroType


def default_value(type: AvroType, default: Any) -> Any:
    """The value of a default; of a union, for the first branch that it fits. Raises AvroError."""
    if type.kind in ("bytes", "fixed"):
        return _bytes(type, default)
    if type.kind == "array" and isinstance(default, list):
        return [default_value(type.inner, item) for item in default]
    if type.kind == "map" and isinstance(default, dict):
        return {key: default_value(type.inner, item) for key, item in default.items()}
    if type.kind == "record" and isinstance(default, dict):
        types = {field.name: field.type for field in type.fields}
        inherited = {field.name: field.default for field in type.fields if field.default is not MISSING}
        return {
            key: default_value(types[key], item) if key in types else item for key, item in {**inherited, **default}.items()
        }
    if type.kind == "union":
        return _first(type, default)
    return default


def _bytes(type: AvroType, default: Any) -> bytes:
    if not isinstance(default, str):
        raise mismatch(type.label, default)
    try:
        return default.encode("latin-1")
    except UnicodeEncodeError:
        raise AvroError("expected characters from U+0000 to U+00FF in a default of bytes") from None


def _first(type: AvroType, default: Any) -> Any:
    if default is None or not type.branches:
        return default
    faults = []
    for branch in type.branches:
        if branch.kind == "null":
            continue
        try:
            return default_value(branch, default)
        except AvroError as error:
            faults.append(error)
    raise faults[0]
