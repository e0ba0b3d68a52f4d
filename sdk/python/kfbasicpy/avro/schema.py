"""The types of a schema, in which names are resolved to references, so the graph can have cycles."""

from __future__ import annotations

from typing import Any, Iterator, NamedTuple, Optional

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
MISSING = object()


class Logical(NamedTuple):
    """A valid logical type; `precision` and `scale` are those of a decimal."""

    name: str
    precision: int = 0
    scale: int = 0


class AvroType:
    """One type. Attributes that do not apply to a kind are empty."""

    __slots__ = ("kind", "name", "fields", "symbols", "size", "inner", "branches", "logical")

    def __init__(self, kind: str, name: Optional[str] = None) -> None:
        self.kind = kind
        self.name = name
        self.fields: list[Field] = []
        self.symbols: list[str] = []
        self.size = 0
        self.inner: Optional[AvroType] = None
        self.branches: list[AvroType] = []
        self.logical: Optional[Logical] = None

    @property
    def label(self) -> str:
        """The name of the type in messages, as in `long (timestamp-millis)`."""
        if self.kind == "union":
            labels = [branch.label for branch in self.branches]
            return " or ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)
        if self.kind == "record":
            return f"record {self.name}"
        name = self.name or self.kind
        return f"{name} ({self.logical.name})" if self.logical else name

    def parts(self) -> Iterator[AvroType]:
        """The types that values of this type contain."""
        yield from self.branches
        if self.inner is not None:
            yield self.inner
        for field in self.fields:
            yield field.type


class Field:
    """A field of a record; `default` is the JSON of its default, or MISSING without one."""

    __slots__ = ("name", "type", "default")

    def __init__(self, name: str, type: AvroType, default: Any) -> None:
        self.name = name
        self.type = type
        self.default = default
