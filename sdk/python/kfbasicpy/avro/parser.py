"""Parses the JSON of a schema by the rules of Avro 1.12, which lint holds the same schema to before it runs."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, NamedTuple, Union

from .error import SchemaError
from .logical import logical_of
from .schema import MISSING, PRIMITIVES, AvroType, Field

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z").match
_NAME_RULE = "must consist of letters, digits and underscores, and must not begin with a digit"
_ORDERS = ("ascending", "descending", "ignore")
_MAX_SIZE = (1 << 53) - 1
# 64 records within each other, each of which adds three steps.
_MAX_STEPS = 192


def parse_schema(schema: Union[str, dict, list]) -> AvroType:
    """Parses a schema, given as JSON text or as its Python value. Raises SchemaError."""
    try:
        if isinstance(schema, str) and schema.lstrip()[:1] in ("{", "[", '"'):
            schema = json.loads(schema, parse_constant=_refuse_constant)
        return _Parser().read(schema, _Place())
    except json.JSONDecodeError as error:
        raise SchemaError(f"the schema is not JSON: {error}") from error
    except RecursionError:
        raise SchemaError("the schema is nested too deep") from None


class _Place(NamedTuple):
    """Where a schema stands: the namespace around it, and the steps of its path in the JSON."""

    namespace: str = ""
    steps: int = 0

    def inside(self, steps: int = 1) -> _Place:
        return self._replace(steps=self.steps + steps)


class _Parser:
    def __init__(self) -> None:
        self._named: dict[str, AvroType] = {}

    def read(self, schema: Any, place: _Place) -> AvroType:
        if place.steps > _MAX_STEPS:
            raise SchemaError("the schema is nested too deep")
        if isinstance(schema, str):
            return self._reference(schema, place)
        if isinstance(schema, list):
            return self._union(schema, place)
        if not isinstance(schema, dict) or "type" not in schema:
            raise SchemaError(f"expected a name, a list or an object with a type, got {_text(schema)}")
        kind = schema["type"]
        if kind in ("record", "error"):
            return self._record(schema, place)
        if kind == "enum":
            return self._enum(schema, place)
        if kind == "fixed":
            return self._fixed(schema, place)
        if kind in ("array", "map"):
            return self._container(schema, place)
        if not isinstance(kind, str):
            raise SchemaError(f'expected a name as "type", got {_text(kind)}; replace the object by the inner type')
        type = self._reference(kind, place)
        if type.name is None:
            # The logical type of a named type belongs to its definition, not to a reference.
            type.logical = logical_of(schema, type.kind, 0)
        return type

    def _reference(self, name: str, place: _Place) -> AvroType:
        if name in PRIMITIVES:
            return AvroType(name)
        full = name if "." in name or not place.namespace else f"{place.namespace}.{name}"
        found = self._named.get(full) or self._named.get(name)
        if found is None:
            raise SchemaError(f'no type has the name "{full}"')
        return found

    def _union(self, schema: list, place: _Place) -> AvroType:
        union = AvroType("union")
        union.branches = [self.read(branch, place.inside()) for branch in schema]
        keys = [branch.name or branch.kind for branch in union.branches]
        if not keys:
            raise SchemaError("a union needs at least one type")
        if "union" in keys:
            raise SchemaError(f"a union must not directly contain a union: {_text(schema)}")
        twice = next((key for index, key in enumerate(keys) if key in keys[:index]), None)
        if twice is not None:
            raise SchemaError(f"the union contains {twice} twice: {_text(schema)}")
        return union

    def _declare(self, schema: dict, place: _Place) -> tuple[AvroType, _Place]:
        """A new named type, and the place of what it contains."""
        name, space = schema.get("name"), schema.get("namespace", place.namespace)
        if not isinstance(name, str) or not name:
            raise SchemaError(f"a {schema['type']} needs a name: {_text(schema)}")
        if not isinstance(space, str):
            raise SchemaError(f"the namespace of {name} must be text, got {_text(space)}")
        if "." in name:
            space = name.rpartition(".")[0]
        full = name if "." in name or not space else f"{space}.{name}"
        if not _is_full_name(full):
            raise SchemaError(f'the name "{full}" {_NAME_RULE}')
        if full in PRIMITIVES:
            raise SchemaError(f'the name "{full}" is that of a primitive type')
        if full in self._named:
            raise SchemaError(f'the name "{full}" is declared twice')
        _check_aliases(schema, full, _is_full_name)
        kind = "record" if schema["type"] == "error" else schema["type"]
        declared = self._named[full] = AvroType(kind, full)
        return declared, place._replace(namespace=space)

    def _record(self, schema: dict, place: _Place) -> AvroType:
        record, inner = self._declare(schema, place)
        fields = schema.get("fields")
        if not isinstance(fields, list):
            raise SchemaError(f"the record {record.name} needs a list of fields")
        seen: set[str] = set()
        for field in fields:
            if not isinstance(field, dict) or not isinstance(field.get("name"), str) or "type" not in field:
                raise SchemaError(f"a field of {record.name} needs a name and a type: {_text(field)}")
            name = field["name"]
            if not _is_name(name):
                raise SchemaError(f'{record.name}: the field name "{name}" {_NAME_RULE}')
            if field.get("order", "ascending") not in _ORDERS:
                raise SchemaError(f"{record.name}.{name}: the order must be one of {', '.join(_ORDERS)}, got {_text(field['order'])}")
            _check_aliases(field, f"{record.name}.{name}", _is_name)
            type = self.read(field["type"], inner.inside(3))
            record.fields.append(Field(name, type, field.get("default", MISSING)))
            if name in seen:
                raise SchemaError(f"the record {record.name} has the field {name} twice")
            seen.add(name)
        return record

    def _enum(self, schema: dict, place: _Place) -> AvroType:
        enum, _ = self._declare(schema, place)
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not symbols or not all(isinstance(each, str) and _is_name(each) for each in symbols):
            raise SchemaError(f"the enum {enum.name} needs a list of symbols, which are names, got {_text(symbols)}")
        if len(set(symbols)) != len(symbols):
            raise SchemaError(f"the enum {enum.name} has a symbol twice")
        default = schema.get("default", MISSING)
        if default is not MISSING and default not in symbols:
            raise SchemaError(f"the default of the enum {enum.name} is not one of its symbols: {_text(default)}")
        enum.symbols = symbols
        return enum

    def _fixed(self, schema: dict, place: _Place) -> AvroType:
        fixed, _ = self._declare(schema, place)
        size = schema.get("size")
        if isinstance(size, float) and size.is_integer():
            size = int(size)
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
            raise SchemaError(f"the fixed {fixed.name} needs a size of 0 or more, got {_text(size)}")
        fixed.size = size
        fixed.logical = logical_of(schema, "fixed", size)
        return fixed

    def _container(self, schema: dict, place: _Place) -> AvroType:
        container = AvroType(schema["type"])
        key = "items" if container.kind == "array" else "values"
        if key not in schema:
            raise SchemaError(f"a schema of type {container.kind} needs {key}")
        container.inner = self.read(schema[key], place.inside())
        return container


def _is_name(text: str) -> bool:
    return _NAME(text) is not None


def _is_full_name(text: str) -> bool:
    return all(_NAME(part) for part in text.split("."))


def _check_aliases(schema: dict, owner: str, is_valid: Callable[[str], bool]) -> None:
    aliases = schema.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) and is_valid(alias) for alias in aliases):
        raise SchemaError(f"the aliases of {owner} must be a list of names, got {_text(aliases)}")


def _refuse_constant(name: str) -> None:
    raise SchemaError(f"the schema is not JSON: it contains {name}")


def _text(schema: Any) -> str:
    return json.dumps(schema)[:120]
