"""Values in the forms of test/fixtures/avro/README.md, as the values of Python and back."""

import datetime
import decimal
import math
import uuid

from kfbasicpy.avro import Duration


def value_of(form):
    """The value that a case writes as JSON."""
    if isinstance(form, list):
        return [value_of(item) for item in form]
    if not isinstance(form, dict):
        return form
    key = next(iter(form), "")
    if not key.startswith("$"):
        return {name: value_of(item) for name, item in form.items()}
    return _FORMS[key](form[key], form)


def form_of(value):
    """The reverse. Every dict is a `$map`."""
    if isinstance(value, float):
        is_plain = math.isfinite(value) and (value != 0 or math.copysign(1, value) > 0)
        return value if is_plain else {"$number": {math.inf: "Infinity", -math.inf: "-Infinity", 0.0: "-0"}.get(value, "NaN")}
    if isinstance(value, int) and abs(value) >= 2**53:
        return {"$long": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, list):
        return [form_of(item) for item in value]
    if isinstance(value, dict):
        return {"$map": [[key, form_of(item)] for key, item in value.items()]}
    return value


def same(one, other):
    """Whether two values are equal throughout; an int equals a float of its value, as in JSON."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)) and not isinstance(one, bool) and not isinstance(other, bool):
        if one != one or other != other:
            return one != one and other != other
        if type(one) is not type(other):
            # A float of TypeScript beyond 2^53 has the digits of a whole number.
            one, other = float(one), float(other)
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, decimal.Decimal):
        return one.as_tuple() == other.as_tuple()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def _nest(count, form):
    value = value_of(form["end"])
    for _ in range(count):
        value = {**value_of(form["of"]), form["key"]: value}
    return value


def _entries(entries, _):
    return {value_of(key): value_of(value) for key, value in entries}


_FORMS = {
    "$long": lambda text, _: int(text),
    "$bytes": lambda text, _: bytes.fromhex(text),
    "$number": lambda text, _: float(text),
    "$text": lambda units, _: bytes.fromhex(units).decode("utf-16-be", "surrogatepass"),
    "$map": _entries,
    "$record": _entries,
    "$instant": lambda text, _: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
    "$day": lambda text, _: datetime.date.fromisoformat(text),
    "$local": lambda text, _: datetime.datetime.fromisoformat(text),
    "$time": lambda text, _: datetime.time.fromisoformat(text),
    "$uuid": lambda text, _: uuid.UUID(text),
    "$decimal": lambda text, _: decimal.Decimal(text),
    "$duration": lambda parts, _: Duration(*parts),
    "$nest": _nest,
}
