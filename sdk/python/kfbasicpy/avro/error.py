"""Errors of schemas, values and payloads."""

from __future__ import annotations

from typing import Any

_SHOWN = 60


class SchemaError(ValueError):
    """The schema is not valid Avro."""


class AvroError(ValueError):
    """A value or a payload does not match its schema. `path` names the place, as in `items[2].price`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = ""

    def under(self, step: str) -> AvroError:
        """The error with `step` in front of its path: the name of a field, `[2]` or `["key"]`."""
        self.path = step if not self.path else step + ("" if self.path[0] == "[" else ".") + self.path
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem


def mismatch(expected: str, value: Any) -> AvroError:
    """The error for a value of the wrong kind."""
    return AvroError(f"expected {expected}, got {shown(value)}")


def shown(value: Any) -> str:
    """A value as shown in a message: its type and the beginning of its text."""
    if value is None:
        return "None"
    if isinstance(value, str):
        cut = value[:_SHOWN]
        text = '"' + cut.replace('"', '\\"') + '"' + ("..." if len(value) > _SHOWN else "")
    elif isinstance(value, (bytes, bytearray, memoryview, list, tuple, dict, set)):
        return f"{type(value).__name__} of {len(value)}"
    else:
        text = repr(value)
        text = text[:_SHOWN] + ("..." if len(text) > _SHOWN else "")
    return f"{type(value).__name__} {text}"
