"""fastavro as an independent codec, for the fuzz run. What it does otherwise by design is handled here, and said:

F1. It takes the branch of a union by its own rules; each value of a union is given to it with the branch that docs/avro.md
    names, found by `_branch_of`, which shares no code with the codecs.
F2. It decodes logical types to Python's classes; the schemas that it gets have none, and values are those of base types.
    `natural` decodes to the classes, for the codec of the SDK to encode; None where a class does not hold the value, or
    does not tell the branch of a union: bytes of a `fixed` may be those of a decimal.
F3. It matches named types by name when it resolves schemas; the reader's schemas keep the writer's names.
F4. It writes and reads what the codecs refuse (a bool as an int, text for bytes, trailing bytes), so it is not asked about
    values that do not fit, nor about broken bytes.
F5. It takes the JSON of a default for its value, so it gets the value itself: bytes, and floats with a fraction. A reader's
    schema has no default of bytes.
F6. Of a reader's union it takes the first branch that resolves, by promotion too, where docs/avro.md takes the branch of the
    same structure: `resolves_alike` says where that is another one.
F7. It does not round an integer that is read as a float, so the readers promote integers to doubles only.
"""

import datetime
import io
import json
import math
import struct

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
# From here on, a number is closer to infinity than to the greatest float.
_FLOAT_END = (2 - 2**-24) * 2.0**127
_MICROSECOND = datetime.timedelta(microseconds=1)
_MICROS_TO = {"millis": (1, 1000), "micros": (1, 1), "nanos": (1000, 1)}


class FastavroCodec:
    """One schema, given as its text."""

    def __init__(self, text):
        self._logical = json.loads(text) if text[:1] in ("{", "[") else text
        self._json = _without_logical_types(self._logical)
        self._named = {}
        self._schema = fastavro.parse_schema(self._json, named_schemas=self._named)

    @property
    def fingerprint(self):
        """The fingerprint as the hex digits of a message's header."""
        return fingerprint(to_parsing_canonical_form(self._json), "CRC-64-AVRO")

    def encode(self, value):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, self._schema, self._given(self._schema, value))
        return stream.getvalue()

    def decode(self, payload, reader=None):
        return fastavro.schemaless_reader(io.BytesIO(payload), self._schema, reader and reader._schema)

    def natural(self, payload):
        """The value in Python's own classes of the logical types; None where it has no such value (F2)."""
        if not all(self._is_told(union) for union in _unions_of(self._schema)):
            return None
        try:
            return fastavro.schemaless_reader(io.BytesIO(payload), fastavro.parse_schema(self._logical))
        except Exception:
            # A year beyond 9999, a time of more than a day.
            return None

    def _is_told(self, union):
        logical = [branch.get("kflowLogicalType") for branch in map(self._resolved, union) if isinstance(branch, dict)]
        bytes_like = [branch for branch in map(self._resolved, union) if _kind(branch) in ("bytes", "fixed")]
        return logical.count("uuid") < 2 and ("decimal" not in logical or len(bytes_like) < 2)

    def resolves_alike(self):
        """Whether no union has a branch that a later one could be promoted to (F6)."""
        return all(_is_unpromoted(union) for union in _unions_of(self._json))

    def _given(self, schema, value):
        """The value in base types (F2), with the branch of each union (F1)."""
        if isinstance(schema, list):
            branch = self._branch_of(schema, value)
            return (_name_of(branch), self._given(branch, value))
        schema = self._resolved(schema)
        kind = _kind(schema)
        if kind == "array":
            return [self._given(schema["items"], item) for item in value]
        if kind == "map":
            return {key: self._given(schema["values"], item) for key, item in value.items()}
        if kind == "record":
            return {field["name"]: self._given_field(field, value) for field in schema["fields"]}
        return _base_value(schema, value)

    def _given_field(self, field, record):
        if field["name"] in record:
            return self._given(field["type"], record[field["name"]])
        return self._given_default(field["type"], field["default"])

    def _branch_of(self, union, value):
        """The branch for a value, by the rules of docs/avro.md."""
        if isinstance(value, dict):
            fits = ((kind, whole) for whole in (True, False) for kind in ("record", "map"))
            return next(branch for kind, whole in fits for branch in union if self._is_branch(branch, kind, value, whole))
        for group in [("int", "long"), ("float", "double")] if _is_int(value) else [None]:
            for branch in union:
                if (group is None or _kind(self._resolved(branch)) in group) and self._fits(branch, value, exactly=True):
                    return branch
        # A fraction that neither holds exactly is rounded: to a double, or else to a float.
        return next(branch for kind in ("double", "float") for branch in union if _kind(branch) == kind)

    def _is_branch(self, branch, kind, value, whole):
        return _kind(self._resolved(branch)) == kind and self._fits(branch, value, whole=whole)

    def _fits(self, schema, value, exactly=False, whole=False):
        """Whether a value fits; with all fields of its records, if `whole`."""
        if isinstance(schema, list):
            return any(self._fits(branch, value, whole=whole) for branch in schema)
        schema = self._resolved(schema)
        kind = _kind(schema)
        if kind == "record":
            return self._fits_record(schema, value, whole)
        if kind == "array":
            return isinstance(value, list) and all(self._fits(schema["items"], item, whole=whole) for item in value)
        if kind == "map":
            return isinstance(value, dict) and all(self._fits(schema["values"], item, whole=whole) for item in value.values())
        if isinstance(value, datetime.date):
            return kind in ("int", "long")
        if isinstance(value, float) and not exactly and kind == "float":
            return value != value or math.isinf(value) or abs(value) < _FLOAT_END
        return _FITS[kind](schema, value)

    def _fits_record(self, schema, value, whole):
        if not isinstance(value, dict) or not value.keys() <= {field["name"] for field in schema["fields"]}:
            return False
        return all(
            self._fits(field["type"], value[field["name"]], whole=whole) if field["name"] in value else "default" in field and not whole
            for field in schema["fields"]
        )

    def _given_default(self, schema, default):
        """The value of a default (F5), in the first branch of a union: the schemas of the run have no others."""
        schema = self._resolved(schema)
        if isinstance(schema, list):
            return (_name_of(schema[0]), self._given_default(schema[0], default))
        if _kind(schema) in ("bytes", "fixed"):
            return default.encode("latin-1")
        return float(default) if _kind(schema) in ("float", "double") else default

    def _resolved(self, schema):
        return self._named.get(schema, schema) if isinstance(schema, str) else schema


def _kind(schema):
    return schema["type"] if isinstance(schema, dict) else "union" if isinstance(schema, list) else schema


def _name_of(branch):
    """How fastavro is told to take a branch of a union."""
    return branch["name"] if isinstance(branch, dict) and "name" in branch else _kind(branch)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _holds(packing, value):
    if not _is_int(value) and not isinstance(value, float):
        return False
    try:
        stored = struct.unpack(packing, struct.pack(packing, value))[0]
    except (OverflowError, struct.error):
        return False
    return stored == value or value != value


_FITS = {
    "null": lambda schema, value: value is None,
    "boolean": lambda schema, value: isinstance(value, bool),
    "int": lambda schema, value: _is_int(value) and -(2**31) <= value < 2**31,
    "long": lambda schema, value: _is_int(value) and -(2**63) <= value < 2**63,
    "float": lambda schema, value: _holds("<f", value),
    "double": lambda schema, value: _holds("<d", value),
    "bytes": lambda schema, value: isinstance(value, bytes),
    "string": lambda schema, value: isinstance(value, str),
    "enum": lambda schema, value: isinstance(value, str) and value in schema["symbols"],
    "fixed": lambda schema, value: isinstance(value, bytes) and len(value) == schema["size"],
}


def _without_logical_types(schema):
    """The schema with its logical types under another key, which fastavro ignores."""
    if isinstance(schema, list):
        return [_without_logical_types(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {"kflowLogicalType" if key == "logicalType" else key: value for key, value in schema.items()}
    for key in ("items", "values", "type"):
        if key in plain:
            plain[key] = _without_logical_types(plain[key])
    if _kind(plain.get("type")) in ("float", "double") and isinstance(plain.get("default"), int):
        plain["default"] = float(plain["default"])
    if isinstance(plain.get("fields"), list):
        plain["fields"] = [_without_logical_types(field) for field in plain["fields"]]
    return plain


def _unions_of(schema):
    if isinstance(schema, list):
        yield schema
    parts = schema if isinstance(schema, list) else [schema.get(key) for key in ("type", "items", "values")] if isinstance(schema, dict) else []
    for part in [*parts, *(schema.get("fields", []) if isinstance(schema, dict) else [])]:
        if isinstance(part, (dict, list)):
            yield from _unions_of(part)


def _is_unpromoted(union):
    kinds = [_kind(branch) for branch in union]
    if "string" in kinds and "bytes" in kinds:
        return False
    return not any("long" in kinds[index:] for index, kind in enumerate(kinds) if kind in ("float", "double"))


def _base_value(schema, value):
    if isinstance(value, datetime.datetime):
        times, per = _MICROS_TO[schema["kflowLogicalType"].rpartition("-")[2]]
        return (value - _EPOCH) // _MICROSECOND * times // per
    if isinstance(value, datetime.date):
        return (value - _EPOCH.date()).days
    return float(value) if _kind(schema) in ("float", "double") else value
