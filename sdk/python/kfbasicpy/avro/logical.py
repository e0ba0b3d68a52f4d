"""Logical types: which are valid, and the values of Python's own classes as values of the base type, and back."""

from __future__ import annotations

import datetime
import math
import uuid
from decimal import Decimal
from typing import Any, Callable, NamedTuple, Optional

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
# Digits of a decimal that are converted at once.
_DIGITS = 1000
_NANOS_OF = {"millis": 1_000_000, "micros": 1_000, "nanos": 1}


class Duration(NamedTuple):
    """A length of time in months, days and milliseconds, none of which can be converted to another. Each has 32 bits."""

    months: int
    days: int
    milliseconds: int


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
    if logical is None or logical.name == "big-decimal":
        return None
    if logical.name == "duration":
        return _duration_to_bytes
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


def _duration_to_bytes(value: Any) -> Any:
    if not isinstance(value, Duration):
        return value
    if not all(isinstance(part, int) and 0 <= part < 1 << 32 for part in value):
        raise AvroError(f"expected the months, days and milliseconds of a Duration, each from 0 to 4294967295, got {tuple(value)}"[:200])
    return b"".join(part.to_bytes(4, "little") for part in value)


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


def native(type: AvroType) -> Optional[Convert]:
    """Converts values of the base type to those of Python's own classes; the reverse of `converter`. Raises AvroError for a
    value that the class cannot hold. None for a type whose values stay those of the base type: a datetime has no
    nanoseconds."""
    logical = type.logical
    if logical is None or logical.name == "big-decimal" or logical.name.endswith("nanos"):
        return None
    if logical.name == "decimal":
        return lambda data: _decimal_of(data, logical)
    if logical.name == "uuid":
        return _uuid_of_bytes if type.kind == "fixed" else _uuid_of_text
    if logical.name == "date":
        return lambda days: _moved(_DAY_0, logical, days=days)
    if logical.name == "duration":
        return lambda data: Duration(*(int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8)))
    unit = "milliseconds" if logical.name.endswith("millis") else "microseconds"
    if logical.name.startswith("time-"):
        return lambda units: _time_of(units, logical, unit)
    epoch = _NAIVE_EPOCH if logical.name.startswith("local-") else _EPOCH
    return lambda units: _moved(epoch, logical, **{unit: units})


def class_of(type: AvroType) -> Optional[str]:
    """The class of the values that `native` returns, as one name for all types that have it; None without one, and for a
    decimal, which a union writes in the branch of its scale."""
    name = type.logical.name if type.logical is not None and native(type) is not None else None
    if name == "decimal":
        return None
    if name is None or name in ("date", "uuid", "duration"):
        return name
    return name.rpartition("-")[0]


def _moved(start: Any, logical: Logical, **by: int) -> Any:
    try:
        return start + datetime.timedelta(**by)
    except OverflowError:
        value = next(iter(by.values()))
        raise AvroError(f"the {logical.name} {value} is beyond the years 1 to 9999, which Python's classes hold") from None


def _time_of(units: int, logical: Logical, unit: str) -> datetime.time:
    per_day = 86_400_000 if unit == "milliseconds" else 86_400_000_000
    if not 0 <= units < per_day:
        raise AvroError(f"the {logical.name} {units} is no time of a day")
    return (_NAIVE_EPOCH + datetime.timedelta(**{unit: units})).time()


def _decimal_of(data: bytes, logical: Logical) -> Decimal:
    number = int.from_bytes(data, "big", signed=True)
    # A context would round, and `str` refuses numbers of more than 4,300 digits.
    digits = tuple(int(digit) for digit in _digits_of(abs(number), logical.precision))
    return Decimal((int(number < 0), digits, -logical.scale))


def _digits_of(number: int, precision: int) -> str:
    if number >= 10**precision:
        raise AvroError(f"a decimal in the payload has more digits than its precision of {precision}")
    digits = []
    while number:
        number, part = divmod(number, 10**_DIGITS)
        digits.append(str(part).zfill(_DIGITS))
    return "".join(reversed(digits)).lstrip("0") or "0"


def _uuid_of_text(text: str) -> uuid.UUID:
    # The class takes other forms as well, which would be written in this one.
    try:
        found = uuid.UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise AvroError(f"a text is no UUID: {shown(text)}")
    return found


def _uuid_of_bytes(data: bytes) -> uuid.UUID:
    if len(data) < 16:
        raise AvroError("the payload is truncated")
    return uuid.UUID(bytes=data)
