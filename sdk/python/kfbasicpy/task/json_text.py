"""Values of tasks as JSON, as other languages read it."""

from __future__ import annotations

import json
import re
from typing import Any

_EXACT = 2**53 - 1
_LONG_NUMBER = re.compile(r"\d{16}")


def json_text(name: str, value: Any) -> str:
    """The JSON of a value. Raises ValueError for numbers that are NaN, infinite, or integers that readers round, and TypeError for
    what is no JSON; `name` is that of the value in the message."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: want JSON: {error}") from None
    if _LONG_NUMBER.search(text):
        _assert_exact(name, value)
    return text


def _assert_exact(place: str, value: Any) -> None:
    if isinstance(value, int) and abs(value) > _EXACT:
        raise ValueError(f"{place}: want an integer of at most 53 bits, or a text, got {str(value)[:40]}")
    if isinstance(value, dict):
        for key, child in value.items():
            _assert_exact(f"{place}.{key}", child)
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            _assert_exact(f"{place}[{index}]", child)
