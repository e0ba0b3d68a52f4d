"""Parses the JSON of a schema into a graph of types, in which names are resolved to references."""

from __future__ import annotations

import json
from typing import Any, Optional, Union

from .error import SchemaError

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
MISSING = object()


class AvroType:
    """One type. A logical type is parsed as its base type. Attributes that do not apply to a kind are empty."""

    __slots__ = ("kind", "name", "fields", "symbols", "size", "inner", "branches")

    def __init__(self, kind: str, name: Optional[str] = None) -> None:
        self.kind = kind
        self.name = name
        self.fields: list[Field] = []
        self.symbols: list[str] = []
        self.size = 0
        self.inner: Optional[AvroType] = None
        self.branches: list[AvroType] = []

    @property
    def label(self) -> str:
        """The name of the type in messages."""
        return " or ".join(branch.label for branch in self.branches) if self.kind == "union" else self.name or self.kind


class Field:
    """A field of a record; `default` is the JSON of its default, or MISSING without one."""

    __slots__ = ("name", "type", "default")

    def __init__(self, name: str, type: AvroType, default: Any) -> None:
        self.name = name
        self.type = type
        self.default = default


def parse_schema(schema: Union[str, dict, list]) -> AvroType:
    """Parses a schema, given as JSON text or as its Python value. Raises SchemaError."""
    if isinstance(schema, str) and schema.lstrip()[:1] in ("{", "[", '"'):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise SchemaError(f"the schema is not JSON: {error}") from error
    return _Parser().read(schema, "")


class _Parser:
    def __init__(self) -> None:
        self._named: dict[str, AvroType] = {}

    def read(self, schema: Any, namespace: str) -> AvroType:
        if isinstance(schema, str):
            return self._reference(schema, namespace)
        if isinstance(schema, list):
            return self._union(schema, namespace)
        if not isinstance(schema, dict) or "type" not in schema:
            raise SchemaError(f"expected a name, a list or an object with a type, got {json.dumps(schema)[:80]}")
        kind = schema["type"]
        if kind in ("record", "error"):
            return self._record(schema, namespace)
        if kind == "enum":
            return self._enum(schema, namespace)
        if kind == "fixed":
            return self._fixed(schema, namespace)
        if kind in ("array", "map"):
            return self._container(schema, namespace)
        return self.read(kind, namespace)

    def _reference(self, name: str, namespace: str) -> AvroType:
        if name in PRIMITIVES:
            return AvroType(name)
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        found = self._named.get(full) or self._named.get(name)
        if found is None:
            raise SchemaError(f'no type has the name "{full}"')
        return found

    def _union(self, schema: list, namespace: str) -> AvroType:
        union = AvroType("union")
        union.branches = [self.read(branch, namespace) for branch in schema]
        labels = [branch.label for branch in union.branches]
        if not labels or len(set(labels)) != len(labels) or any(branch.kind == "union" for branch in union.branches):
            raise SchemaError(f"the branches of a union must be different types other than unions, got {json.dumps(schema)[:120]}")
        return union

    def _declare(self, schema: dict, namespace: str) -> tuple[AvroType, str]:
        name = schema.get("name")
        if not isinstance(name, str) or not name:
            raise SchemaError(f"a {schema['type']} needs a name: {json.dumps(schema)[:80]}")
        space = name.rpartition(".")[0] if "." in name else schema.get("namespace", namespace)
        full = name if "." in name or not space else f"{space}.{name}"
        if full in self._named:
            raise SchemaError(f'the name "{full}" is declared twice')
        kind = "record" if schema["type"] == "error" else schema["type"]
        declared = self._named[full] = AvroType(kind, full)
        return declared, space

    def _record(self, schema: dict, namespace: str) -> AvroType:
        record, space = self._declare(schema, namespace)
        fields = schema.get("fields")
        if not isinstance(fields, list):
            raise SchemaError(f"the record {record.name} needs a list of fields")
        for field in fields:
            if not isinstance(field, dict) or not isinstance(field.get("name"), str) or "type" not in field:
                raise SchemaError(f"a field of {record.name} needs a name and a type: {json.dumps(field)[:80]}")
            record.fields.append(Field(field["name"], self.read(field["type"], space), field.get("default", MISSING)))
        names = [field.name for field in record.fields]
        if len(set(names)) != len(names):
            raise SchemaError(f"the record {record.name} has two fields of the same name")
        return record

    def _enum(self, schema: dict, namespace: str) -> AvroType:
        enum, _ = self._declare(schema, namespace)
        enum.symbols = schema.get("symbols") or []
        if not enum.symbols or not all(isinstance(symbol, str) for symbol in enum.symbols):
            raise SchemaError(f"the enum {enum.name} needs a list of symbols")
        return enum

    def _fixed(self, schema: dict, namespace: str) -> AvroType:
        fixed, _ = self._declare(schema, namespace)
        size = schema.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise SchemaError(f"the fixed {fixed.name} needs a size of 0 or more")
        fixed.size = size
        return fixed

    def _container(self, schema: dict, namespace: str) -> AvroType:
        container = AvroType(schema["type"])
        key = "items" if container.kind == "array" else "values"
        if key not in schema:
            raise SchemaError(f"a schema of type {container.kind} needs {key}")
        container.inner = self.read(schema[key], namespace)
        return container
