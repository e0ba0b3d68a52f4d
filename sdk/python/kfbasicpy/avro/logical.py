"""Logical types: which are valid, and the values of Python's own classes as values of the base type.

Values are decoded as values of the base type; only encoding converts.
"""

from __future__ import annotations

import datetime
import math
import uuid
from decimal import Decimal
from typing import Any, Callable, Optional

from .error import AvroError, shown
from .plain import kind_of
from .schema import AvroType, Logical

_DAY_0 = datetime.date(1970, 1, 1)
_NAIVE_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

_BASES = {
    "date": "int",
    "time-millis": "int",
    "time-micros": "long",
    "timestamp-millis": "long",
    "timestamp-micros": "long",
    "timestamp-nanos": "long",
    "local-timestamp-millis": "long",
    "local-timestamp-micros": "long",
    "local-timestamp-nanos": "long",
}
_NANOS_OF = {"millis": 1_000_000, "micros": 1_000, "nanos": 1}


def logical_of(schema: dict, kind: str, size: int) -> Optional[Logical]:
    """The logical type that a schema declares for its base type; None without one, or if it is not valid for that base."""
    name = schema.get("logicalType")
    if not isinstance(name, str):
        return None
    if _BASES.get(name) == kind:
        return Logical(name)
    if name == "uuid" and (kind == "string" or (kind == "fixed" and size == 16)):
        return Logical(name)
    if (name == "duration" and kind == "fixed" and size == 12) or (name == "big-decimal" and kind == "bytes"):
        return Logical(name)
    return _decimal(schema, kind, size) if name == "decimal" else None


def _decimal(schema: dict, kind: str, size: int) -> Optional[Logical]:
    precision, scale = _whole(schema.get("precision")), _whole(schema.get("scale", 0))
    if kind not in ("bytes", "fixed") or precision is None or scale is None or not 0 <= scale <= precision or precision < 1:
        return None
    if kind == "fixed" and precision > math.floor((8 * size - 1) * math.log10(2)):
        return None
    return Logical("decimal", precision, scale)


def _whole(value: Any) -> Optional[int]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value - value != 0:
        return None
    return int(value) if int(value) == value else None


Convert = Callable[[Any], Any]


def converter(type: AvroType) -> Optional[Convert]:
    """Converts values of Python's own classes to values of the base type, and returns any other value as it is. Raises
    AvroError if a value of its class has no exact equal. None for a type without such classes."""
    logical = type.logical
    if logical is None or logical.name in ("duration", "big-decimal"):
        return None
    if logical.name == "decimal":
        return _decimal_converter(type, logical)
    if logical.name == "uuid":
        return _uuid_to_bytes if type.kind == "fixed" else _uuid_to_text
    if logical.name == "date":
        return _date_to_days
    per_unit = _NANOS_OF[logical.name.rpartition("-")[2]]
    if logical.name.startswith("time-"):
        return lambda value: _time_to_units(value, per_unit)
    if logical.name.startswith("local-"):
        return lambda value: _local_to_units(value, per_unit)
    return lambda value: _timestamp_to_units(value, per_unit)


def _timestamp_to_units(value: Any, per_unit: int) -> Any:
    if isinstance(value, datetime.datetime) and value == value and value.utcoffset() is not None:
        return _nanos(value - _EPOCH, value) // per_unit
    return value


def _local_to_units(value: Any, per_unit: int) -> Any:
    if isinstance(value, datetime.datetime) and value == value and value.tzinfo is None:
        return _nanos(value - _NAIVE_EPOCH, value) // per_unit
    if kind_of(value) == "M" and value.shape == () and value == value:
        return _nanos_of_datetime64(value) // per_unit
    return value


def _nanos(since_epoch: datetime.timedelta, value: datetime.datetime) -> int:
    seconds = since_epoch.days * 86400 + since_epoch.seconds
    # The datetime of pandas has nanoseconds as well.
    return (seconds * 1_000_000 + since_epoch.microseconds) * 1000 + getattr(value, "nanosecond", 0)


def _nanos_of_datetime64(value: Any) -> int:
    micros = value.astype("datetime64[us]")
    below = (value - micros).astype("timedelta64[ns]").astype("int64")
    return int(micros.astype("int64")) * 1000 + int(below)


def _date_to_days(value: Any) -> Any:
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return (value - _DAY_0).days
    return value


def _time_to_units(value: Any, per_unit: int) -> Any:
    if isinstance(value, datetime.time) and value.tzinfo is None:
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return (seconds * 1_000_000 + value.microsecond) * 1000 // per_unit
    return value


def _uuid_to_text(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value


def _uuid_to_bytes(value: Any) -> Any:
    return value.bytes if isinstance(value, uuid.UUID) else value


def _decimal_converter(type: AvroType, logical: Logical) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        unscaled = _unscaled(value, logical.scale, logical.precision)
        if unscaled is None:
            scale = f"precision {logical.precision} and scale {logical.scale}"
            raise AvroError(f"expected {type.label} of {scale}, got {shown(value)}; use .quantize() if it may be rounded")
        if type.kind == "fixed":
            return unscaled.to_bytes(type.size, "big", signed=True)
        return unscaled.to_bytes((unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1, "big", signed=True)

    return convert


def _unscaled(value: Decimal, scale: int, precision: int) -> Optional[int]:
    """The number times 10 to the power of `scale`; None if that is no whole number, or has too many digits."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return None
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return 0
    shift = exponent + scale
    if len(text) + shift > precision:
        return None
    if shift < 0:
        text, lost = text[:shift], text[shift:]
        if lost.strip("0") or not text:
            return None
    number = int(text) * 10 ** max(shift, 0)
    return -number if sign else number
