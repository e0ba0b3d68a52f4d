"""Says how a value of another kind is turned into one that a type takes."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Any

from .error import AvroError, shown
from .plain import kind_of
from .schema import AvroType

_INTEGERS = ("int", "long")
_REALS = ("float", "double")


def mismatch(type: AvroType, value: Any) -> AvroError:
    """The error for a value of the wrong kind: what was expected, what came, and what to do where that is known."""
    what, remedy = _described(type, value)
    return AvroError(f"expected {type.label}, got {what}{remedy and f'; use {remedy}'}")


def _described(type: AvroType, value: Any) -> tuple[str, str]:
    """The value in words, and what to use in its place; the latter is empty if nothing is known."""
    branches = type.branches if type.kind == "union" else [type]
    kinds = {branch.kind for branch in branches}
    logical = {branch.logical.name for branch in branches if branch.logical is not None}
    if isinstance(value, datetime.datetime):
        return _datetime(value, kinds, logical)
    if kind_of(value) == "M":
        return _datetime64(value, kinds)
    try:
        return shown(value), _remedy(value, kinds, logical)
    except Exception:
        # A property of the value itself raised; the message has no remedy then.
        return shown(value), ""


def _datetime(value: datetime.datetime, kinds: set[str], logical: set[str]) -> tuple[str, str]:
    if value != value:
        return "NaT", "None" if "null" in kinds else ""
    if any(name.startswith("local-timestamp") for name in logical):
        return "datetime with a time zone", ".replace(tzinfo=None)"
    if any(name.startswith("timestamp") for name in logical):
        return "datetime without a time zone", ".replace(tzinfo=timezone.utc) or .astimezone()"
    if "date" in logical:
        return shown(value), ".date()"
    if any(name.startswith("time-") for name in logical):
        return shown(value), ".time()"
    if "string" in kinds:
        return shown(value), ".isoformat()"
    if "long" in kinds:
        return shown(value), "the logical type timestamp-millis, or int(value.timestamp() * 1000)"
    return shown(value), ".timestamp()" if "double" in kinds else ""


def _datetime64(value: Any, kinds: set[str]) -> tuple[str, str]:
    if value.shape != () or value != value:
        return shown(value), "None" if "null" in kinds and value.shape == () else ""
    return f"{shown(value)} without a time zone", 'value.astype("datetime64[us]").item().replace(tzinfo=timezone.utc)'


def _remedy(value: Any, kinds: set[str], logical: set[str]) -> str:
    if value.__class__.__name__ in ("NAType", "NaTType") and "null" in kinds:
        return "None"
    for rule in (_of_number, _of_text, _of_time, _of_container):
        remedy = rule(value, kinds, logical)
        if remedy:
            return remedy
    return ""


def _of_number(value: Any, kinds: set[str], logical: set[str]) -> str:
    if isinstance(value, decimal.Decimal):
        if "string" in kinds:
            return "str(value)"
        if kinds & {"bytes", "fixed"} and not logical:
            return "the logical type decimal in the schema"
        return "float(value)" if kinds.intersection(_REALS) else "int(value)" if kinds.intersection(_INTEGERS) else ""
    if "decimal" in logical and isinstance(value, (int, float)):
        return "decimal.Decimal(str(value))"
    if isinstance(value, float) and kinds.intersection(_INTEGERS):
        return "int(value) or round(value)" if value - value == 0 else "None" if "null" in kinds else ""
    return ""


def _of_text(value: Any, kinds: set[str], logical: set[str]) -> str:
    if isinstance(value, uuid.UUID):
        return "str(value)" if "string" in kinds else "value.bytes" if kinds & {"bytes", "fixed"} else ""
    if isinstance(value, enum.Enum):
        return ".value" if isinstance(value.value, (str, int, float)) else ".name"
    if isinstance(value, str) and kinds & {"bytes", "fixed"}:
        return ".encode()"
    if isinstance(value, (bytes, bytearray)) and "string" in kinds:
        return ".decode()"
    if "string" in kinds and hasattr(value, "__fspath__"):
        return "str(value)"
    return ".tobytes()" if kinds & {"bytes", "fixed"} and hasattr(value, "tobytes") else ""


def _of_time(value: Any, kinds: set[str], logical: set[str]) -> str:
    if isinstance(value, datetime.date):
        if any("timestamp" in name for name in logical):
            return "a datetime"
        return ".isoformat()" if "string" in kinds else "the logical type date in the schema" if "int" in kinds else ""
    if isinstance(value, datetime.time):
        if any(name.startswith("time-") for name in logical):
            return ".replace(tzinfo=None)"
        return ".isoformat()" if "string" in kinds else ""
    if isinstance(value, datetime.timedelta):
        return ".total_seconds(), or a number of the unit you mean" if kinds & {"int", "long", "float", "double"} else ""
    return ""


def _of_container(value: Any, kinds: set[str], logical: set[str]) -> str:
    if kinds & {"record", "map"}:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return "dataclasses.asdict(value)"
        for method in ("_asdict", "model_dump", "to_dict"):
            if callable(getattr(value, method, None)):
                return f".{method}()"
        if hasattr(value, "__dict__") and not callable(value):
            return "a dict, as in vars(value)"
    if "array" in kinds and hasattr(value, "__iter__") and not isinstance(value, (str, bytes, bytearray, dict)):
        return "list(value)"
    return ""
