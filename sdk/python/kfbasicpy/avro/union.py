"""Writes unions of plain values: in the first branch that fits, and whole numbers in int or long before float or double."""

from __future__ import annotations

from typing import Any

from .error import AvroError, mismatch
from .primitives import Append, Write, pack_long
from .schema import AvroType

_KINDS_OF = (
    (bool, ("boolean",)),
    (int, ("int", "long", "float", "double")),
    (float, ("float", "double")),
    (str, ("string", "enum")),
    ((bytes, bytearray, memoryview), ("bytes", "fixed")),
    ((list, tuple), ("array",)),
    (dict, ("record", "map")),
    (type(None), ("null",)),
)


def compile_union(type: AvroType, writers: list[Write]) -> Write:
    """The writer of a union, given its branches' writers."""
    branches = [(pack_long(index), branch, writers[index]) for index, branch in enumerate(type.branches)]
    # The branches that can hold a value of a class. Values have only a few classes.
    by_class: dict[Any, list[tuple[bytes, AvroType, Write]]] = {}

    def write(append: Append, value: Any) -> None:
        candidates = by_class.get(value.__class__)
        if candidates is None:
            candidates = by_class[value.__class__] = _candidates(branches, value)
        if len(candidates) == 1:
            index, _, write_branch = candidates[0]
            append(index)
            write_branch(append, value)
        elif candidates:
            _write_first_fit(append, value, candidates)
        else:
            raise mismatch(type.label, value)

    return write


def _candidates(branches: list[tuple[bytes, AvroType, Write]], value: Any) -> list[tuple[bytes, AvroType, Write]]:
    kinds = next((kinds for classes, kinds in _KINDS_OF if isinstance(value, classes)), ())
    found = [branch for branch in branches if branch[1].kind in kinds]
    exact = ("int", "long") if kinds[:1] == ("int",) else kinds
    return sorted(found, key=lambda branch: branch[1].kind not in exact)


def _write_first_fit(append: Append, value: Any, candidates: list[tuple[bytes, AvroType, Write]]) -> None:
    faults = []
    for index, branch, write_branch in candidates:
        pieces = [index]
        try:
            write_branch(pieces.append, value)
        except AvroError as error:
            faults.append(f"{branch.label} ({error})")
            continue
        for piece in pieces:
            append(piece)
        return
    raise AvroError(f"fits no branch of the union: {'; '.join(faults)}")
