"""Finds what gives the aggregate of a function: `close` of a class, or `finish` beside a plain function."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Callable, Iterator, Optional

from kfbasicpy.function.function import ProcessFunction, StreamProcessFunction

from .loader import LoadError


def bound_finish(finish: Any) -> Optional[Callable[[Any], Any]]:
    """`finish` as a function of a context; None when the code defines no such function. Raises LoadError when it takes
    other arguments."""
    if not callable(finish) or isinstance(finish, type):
        return None
    signature = inspect.signature(finish)
    for take in (lambda ctx: (ctx,), lambda ctx: ()):
        try:
            signature.bind(*take(None))
        except TypeError:
            continue
        return lambda ctx: finish(*take(ctx))
    raise LoadError(f"finish{signature} cannot be called: it takes a context, or no arguments; a function of another purpose needs another name")


def returns_value(close: Callable[..., Any]) -> bool:
    """Whether the code of `close` returns or yields something: one that only tidies up does not. True when the code cannot
    be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(close)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return True
    return any(_gives(node) for node in _own_nodes(tree.body[0]))


def overrides_close(instance: Any) -> bool:
    """Whether the class of a function has a `close` of its own."""
    return type(instance).close not in (ProcessFunction.close, StreamProcessFunction.close)


def _gives(node: ast.AST) -> bool:
    if isinstance(node, ast.Return):
        return node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None)
    return isinstance(node, (ast.Yield, ast.YieldFrom))


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, without those of functions and classes inside."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        yield child
        yield from _own_nodes(child)
