"""Values within values: `a.b[0]`, `$.a[*].b`, `$..code`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"(?P<deep>\.\.)?\.?(?:(?P<name>[\w-]+)|(?P<star>\*)|\[(?:(?P<index>-?\d+)|(?P<all>\*)|'(?P<quoted>[^']*)')\])")


def values_at(value: Any, path: str) -> list[Any]:
    """The values that a path selects: names, indexes, `*` and `..`, with or without the `$.` of JSONPath at its start. Raises
    ValueError for a text that is no path."""
    found = [value]
    text = path[1:] if path.startswith("$") else path
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(f"{path}: no path at character {len(path) - len(text) + at + 1}; want a.b[0], a[*] or ..a")
        at = step.end()
        if step["deep"]:
            found = [inner for each in found for inner in _with_all_below(each)]
        found = [child for each in found for child in _children(each, step)]
    return found


def _children(value: Any, step: re.Match[str]) -> list[Any]:
    name = step["name"] if step["name"] is not None else step["quoted"]
    if name is not None:
        return [value[name]] if isinstance(value, dict) and name in value else []
    if step["index"] is not None:
        index = int(step["index"])
        return [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []
    return _inner(value)


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _with_all_below(value: Any) -> list[Any]:
    return [value] + [each for inner in _inner(value) for each in _with_all_below(inner)]
