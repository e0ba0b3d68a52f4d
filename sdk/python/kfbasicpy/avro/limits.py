"""Bounds of one message: how deep its values nest, and how many items take no bytes.

Only schemas that can exceed a bound count: depth if a type contains itself, items if the items of an array are empty.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from .error import AvroError
from .schema import AvroType

#: Records within each other in one value.
MAX_DEPTH = 1000
#: Items of arrays whose items take no bytes, as `null` does, in one message.
MAX_EMPTY_ITEMS = 1_000_000

# Frames of the codec for each record: the record, its count, and the array, the map, the union and the trial around it.
_FRAMES = 8
_OWN_FRAMES = 1000


class Limits(threading.local):
    """The counts of the message that a thread encodes or decodes. Reset them after each message."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.depth = 0
        self.empty_items = 0
        #: Whether a record must have each of its fields: no default stands for one that is left out.
        self.complete = False
        #: Whether no whole number may be rounded to a float.
        self.exact = False
        #: What became of the trials of a union's branches for a dict, which it holds so that its id stays its own,
        #: and how many items without bytes it has.
        self.tried: dict[tuple[int, int, int, bool, bool], tuple[dict, Any, int]] = {}

    def enter(self) -> int:
        """Counts a level, and returns the depth outside of it, which the caller restores. Raises AvroError."""
        outside = self.depth
        if outside >= MAX_DEPTH:
            raise AvroError(f"nested deeper than {MAX_DEPTH} records")
        self.depth = outside + 1
        return outside

    def count_empty(self, items: int) -> None:
        """Counts items that take no bytes. Raises AvroError."""
        self.empty_items += items
        if self.empty_items > MAX_EMPTY_ITEMS:
            raise AvroError(f"more than {MAX_EMPTY_ITEMS:,} items that take no bytes")


def too_deep_for_python() -> AvroError:
    """The error when Python's own limit is reached first: user code lowered it, or called from deep inside its own recursion."""
    return AvroError(f"nested too deep for Python's recursion limit of {sys.getrecursionlimit():,}")


def make_room_for_recursion() -> None:
    """Raises Python's recursion limit so that values of `MAX_DEPTH` records can be encoded and decoded."""
    needed = MAX_DEPTH * _FRAMES + _OWN_FRAMES
    if sys.getrecursionlimit() < needed:
        sys.setrecursionlimit(needed)


def is_recursive(type: AvroType) -> bool:
    """Whether the type contains a type that contains itself."""
    return _reaches_itself(type, set(), set())


def counts(type: AvroType) -> bool:
    """Whether the messages of a type are counted, or the trials of its branches kept."""
    return any(map(_counts, _all_types(type, {}).values())) or is_recursive(type)


def min_size(type: AvroType) -> int:
    """The fewest bytes that a value of the type takes."""
    return _min_size(type, {})


def _reaches_itself(type: AvroType, open: set[int], closed: set[int]) -> bool:
    if id(type) in closed:
        return False
    if id(type) in open:
        return True
    open.add(id(type))
    found = any(_reaches_itself(inner, open, closed) for inner in type.parts())
    open.discard(id(type))
    closed.add(id(type))
    return found


def _min_size(type: AvroType, known: dict[int, int]) -> int:
    if id(type) not in known:
        # A type within itself adds nothing: the result is a lower bound.
        known[id(type)] = 0
        known[id(type)] = _least(type, known)
    return known[id(type)]


def _least(type: AvroType, known: dict[int, int]) -> int:
    if type.kind == "record":
        return sum(_min_size(field.type, known) for field in type.fields)
    if type.kind == "union":
        return 1 + min(_min_size(branch, known) for branch in type.branches)
    return {"null": 0, "float": 4, "double": 8, "fixed": type.size}.get(type.kind, 1)


def _counts(type: AvroType) -> bool:
    if type.kind == "array":
        return min_size(type.inner) == 0
    return sum(branch.kind in ("record", "map") for branch in type.branches) > 1


def _all_types(type: AvroType, found: dict[int, AvroType]) -> dict[int, AvroType]:
    if id(type) not in found:
        found[id(type)] = type
        for inner in type.parts():
            _all_types(inner, found)
    return found
