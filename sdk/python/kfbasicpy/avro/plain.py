"""Takes values of other libraries for the plain values that they stand for, by protocol: nothing is imported for it.

A scalar of numpy or pandas is an object with a `dtype`, no dimension, and `item`, which returns its Python value; an
array has a `dtype` and at least one dimension.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

# Kinds of `dtype` whose items `tolist` converts exactly: booleans, integers, floats, texts and bytes.
_EXACT_KINDS = frozenset("biufSU")


def plain(value: Any) -> Any:
    """The Python value of a scalar; any other value as it is."""
    # `item` returns a number without its unit for some dates and times; those are left to the logical types.
    if not is_foreign(value) or value.shape != () or kind_of(value) in ("M", "m", "V"):
        return value
    # Of a masked constant of numpy, `tolist` is None, but `item` the 0 that the mask covers.
    return value.tolist() if hasattr(value, "tolist") else value.item()


def is_foreign(value: Any) -> bool:
    """Whether the value is a scalar or an array of another library."""
    # The class is asked, not the value, whose attributes may be anything.
    cls = value.__class__
    return hasattr(cls, "dtype") and hasattr(cls, "shape") and (hasattr(cls, "item") or hasattr(cls, "tolist"))


def kind_of(value: Any) -> str:
    """The kind of the `dtype` of a foreign value, as in `M` for a date; empty for any other value."""
    return getattr(value.dtype, "kind", "") if is_foreign(value) else ""


def is_array(value: Any) -> bool:
    """Whether the value is a list, a tuple without names, or an array of another library."""
    if isinstance(value, (list, tuple)):
        return not hasattr(value, "_fields")
    return is_foreign(value) and len(value.shape) > 0


def items_of(array: Any) -> Any:
    """The items of an array, as a list or a tuple."""
    if isinstance(array, (list, tuple)):
        return array
    return array.tolist() if len(array.shape) == 1 and kind_of(array) in _EXACT_KINDS else list(array)


def entries_of(value: Any) -> Any:
    """The dict of a dict or of another mapping; None for anything else."""
    if isinstance(value, (dict, Mapping)):
        # A copy: reading a missing key of a defaultdict adds it.
        return dict(value)
    return None


def fields_of(value: Any) -> Any:
    """The dict of what stands for a record: a dict, another mapping, or an instance of a dataclass. None for anything else."""
    entries = entries_of(value)
    if entries is None and is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return entries


def is_dataclass(value: Any) -> bool:
    """Whether the value is an instance of a dataclass."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def is_record(value: Any) -> bool:
    """Whether the value stands for a record."""
    return isinstance(value, (dict, Mapping)) or is_dataclass(value)
