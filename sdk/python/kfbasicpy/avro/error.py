"""Errors of schemas, values and payloads."""

from __future__ import annotations

from typing import Any

_SHOWN = 60
_MAX_PROBLEM = 1000


class SchemaError(ValueError):
    """The schema is not valid Avro."""


class AvroError(ValueError):
    """A value or a payload does not match its schema. `path` names the place, as in `items[2].price`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem if len(problem) <= _MAX_PROBLEM else problem[:_MAX_PROBLEM] + "..."
        self.path = ""

    def under(self, step: str) -> AvroError:
        """The error with `step` in front of its path: the name of a field, `[2]` or `["key"]`."""
        if len(self.path) > _MAX_PROBLEM:
            self.path = "..."
        self.path = step if not self.path else step + ("" if self.path[0] == "[" else ".") + self.path
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem


def shown(value: Any) -> str:
    """A value as shown in a message: its type and the beginning of its text. Never raises."""
    if value is None:
        return "None"
    name = type(value).__name__
    if isinstance(value, str):
        return f"{name} {quoted(value)}"
    try:
        if isinstance(value, (bytes, bytearray, memoryview, list, tuple, dict, set)) and not hasattr(value, "_fields"):
            return f"{name} of {len(value)}"
        text = " ".join(_text_of(value).split())
    except Exception:
        return name
    return f"{name} {text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}"


def quoted(text: str) -> str:
    """The beginning of a text in double quotes; what UTF-8 cannot encode is escaped."""
    cut = str.encode(text[:_SHOWN], errors="backslashreplace").decode()
    return '"' + cut.replace('"', '\\"') + '"' + ("..." if len(text) > _SHOWN else "")


def _text_of(value: Any) -> str:
    if type(value) is int and value.bit_length() > 4096:
        # Python refuses to convert a number of more than 4,300 digits.
        return f"of {value.bit_length()} bits"
    is_plain = type(value).__module__ in ("datetime", "decimal", "uuid", "fractions")
    return str.encode(str(value) if is_plain else repr(value), errors="backslashreplace").decode()
