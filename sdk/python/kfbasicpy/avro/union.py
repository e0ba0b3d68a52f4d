"""Writes unions of plain values, in the first branch that holds the value exactly.

U1. A whole number goes to int or long before float or double, a dict to a record before a map. Defaults fill a
    record's fields only if no branch fits without, so that what was read is written as it was.
U2. A fraction goes to the first of float and double that holds it exactly. Whole numbers in a dict are rounded to floats
    only if no branch holds them.
U3. The branch of a value depends on this value alone, and is looked for once in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Callable, NamedTuple, Optional

from .default import OfBranch
from .error import AvroError, quoted
from .limits import Limits
from .logical import Convert, converter
from .plain import entries_of, fields_of, is_array, is_dataclass, items_of, plain
from .primitives import Append, Write, is_float, pack_long
from .remedy import mismatch
from .schema import AvroType

# The branches for values of each class, those of the first tuple before those of the second.
_KINDS_OF: dict[Any, tuple[tuple[str, ...], ...]] = {
    type(None): (("null",),),
    bool: (("boolean",),),
    int: (("int", "long"), ("float", "double")),
    float: (("float", "double"),),
    str: (("string", "enum"),),
    bytes: (("bytes", "fixed"),),
    list: (("array",),),
    tuple: (("array",),),
    dict: (("record",), ("map",)),
}
# What makes a value of a subclass an exact value of the class.
_EXACT: dict[Any, Callable[[Any], Any]] = {
    bool: bool,
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    bytes: bytes,
    list: lambda value: list(items_of(value)),
    dict: entries_of,
    type(None): lambda value: None,
}


class _Trial(NamedTuple):
    """What is asked of a dict."""

    complete: bool
    exact: bool


_TRIALS = (_Trial(True, True), _Trial(False, True), _Trial(True, False), _Trial(False, False))


class _Branch:
    __slots__ = ("type", "index", "write", "convert")

    def __init__(self, type: AvroType, index: int, write: Write) -> None:
        self.type = type
        self.index = pack_long(index)
        self.write = write
        self.convert: Optional[Convert] = converter(type)


def compile_union(type: AvroType, writers: list[Write], limits: Limits) -> Write:
    """The writer of a union, given its branches' writers."""
    branches = [_Branch(branch, index, writers[index]) for index, branch in enumerate(type.branches)]
    by_class = {cls: _ordered(branches, kinds) for cls, kinds in _KINDS_OF.items()}
    chooses_float = [branch.type.kind for branch in by_class[float]] == ["float", "double"]

    def write(append: Append, value: Any) -> None:
        cls = value.__class__
        candidates = by_class.get(cls)
        if candidates is None:
            _write_other(append, value)
        elif cls is dict:
            _write_dict(append, type, value, candidates, limits)
        elif len(candidates) == 1:
            branch = candidates[0]
            append(branch.index)
            branch.write(append, value)
        elif not candidates:
            raise mismatch(type, value)
        elif chooses_float and cls is float:
            branch = candidates[0 if is_float(value) else 1]
            append(branch.index)
            branch.write(append, value)
        else:
            _write_first_fit(append, type, value, candidates, limits)

    def _write_other(append: Append, value: Any) -> None:
        """Writes a value of another class: a subclass, or one that stands for a plain value or a logical type, or a default."""
        if value.__class__ is OfBranch:
            append(branches[value.index].index)
            return branches[value.index].write(append, value.value)
        if is_dataclass(value) and not isinstance(value, Mapping):
            records = [branch for branch in by_class[dict] if branch.type.kind == "record"]
            if not records:
                raise mismatch(type, value)
            return _write_dict(append, type, fields_of(value), records, limits)
        same = plain(value)
        cls = _class_of(same)
        if cls is not None:
            return write(append, _EXACT[cls](same))
        fault: Optional[AvroError] = None
        for branch in sorted(branches, key=lambda branch: not _has_scale_of(branch.type, same)):
            try:
                converted = same if branch.convert is None else branch.convert(same)
            except AvroError as error:  # a decimal of which another branch may have the digits
                fault = fault or error
                continue
            if converted is not same:
                append(branch.index)
                return branch.write(append, converted)
        raise fault or mismatch(type, value)

    return write


def _has_scale_of(type: AvroType, value: Any) -> bool:
    """Whether the type is a decimal of the same scale as the value: what was read is then written as it was."""
    if not isinstance(value, Decimal) or type.logical is None or type.logical.name != "decimal":
        return False
    return value.as_tuple().exponent == -type.logical.scale


def _class_of(value: Any) -> Any:
    if value is None:
        return type(None)
    for cls in (bool, int, float, str):
        if isinstance(value, cls):
            return cls
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes
    if isinstance(value, (dict, Mapping)):
        return dict
    return list if is_array(value) else None


def _ordered(branches: list[_Branch], kinds: tuple[tuple[str, ...], ...]) -> list[_Branch]:
    return [branch for group in kinds for branch in branches if branch.type.kind in group]


def _write_dict(append: Append, union: AvroType, value: dict, candidates: list[_Branch], limits: Limits) -> None:
    if len(candidates) > 1:
        # Look-alike branches within look-alike branches are tried again and again without this (U3).
        outside = _Trial(limits.complete, limits.exact)
        for trial in _TRIALS:
            if outside.complete > trial.complete or outside.exact > trial.exact:
                continue
            found = _try_dict(union, value, candidates, limits, trial)
            if not isinstance(found, AvroError):
                append(found)
                return
        raise AvroError(found.problem)
    if not candidates:
        raise AvroError(mismatch(union, value).problem + _unwrapped(union, value))
    branch = candidates[0]
    append(branch.index)
    try:
        branch.write(append, value)
    except AvroError as error:
        error.problem += _unwrapped(union, value)
        raise


def _try_dict(union: AvroType, value: dict, candidates: list[_Branch], limits: Limits, trial: _Trial) -> Any:
    """What `_first_fit` returns, found once in a message."""
    key = (id(union), id(value), limits.depth, *trial)
    known = limits.tried.get(key)
    if known is not None:
        limits.count_empty(known[2])
        return known[1]
    outside = limits.complete, limits.exact
    limits.complete, limits.exact = trial
    items = limits.empty_items
    found = _first_fit(union, value, candidates, limits)
    limits.complete, limits.exact = outside
    limits.tried[key] = (value, found, limits.empty_items - items)
    return found


def _write_first_fit(append: Append, union: AvroType, value: Any, candidates: list[_Branch], limits: Limits) -> None:
    found = _first_fit(union, value, candidates, limits)
    if isinstance(found, AvroError):
        raise found
    append(found)


def _first_fit(union: AvroType, value: Any, candidates: list[_Branch], limits: Limits) -> Any:
    """The encoding of the value in its branch, or the error."""
    faults = []
    outside = limits.depth, limits.empty_items
    for branch in candidates:
        pieces = [branch.index]
        try:
            branch.write(pieces.append, value)
            return b"".join(pieces)
        except AvroError as error:
            limits.depth, limits.empty_items = outside
            faults.append(f"{branch.type.label} ({error})")
    return AvroError(f"fits no branch of the union: {'; '.join(faults)}{_unwrapped(union, value)}")


def _unwrapped(union: AvroType, value: Any) -> str:
    """The remedy for a value that is wrapped in the name of its branch, as in `{"double": 1.5}`."""
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    name = next(iter(value))
    names = {alias for branch in union.branches for alias in (branch.kind, branch.name, (branch.name or "").rpartition(".")[2])}
    is_field = any(field.name == name for branch in union.branches for field in branch.fields)
    if not isinstance(name, str) or name not in names or is_field:
        return ""
    return f"; values of unions are plain: use the value of {quoted(name)} itself"
