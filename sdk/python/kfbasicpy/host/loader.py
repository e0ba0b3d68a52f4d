"""Loads the code of a function so that tracebacks show its lines."""

from __future__ import annotations

import __future__
import asyncio
import linecache
import logging
import os
import sys
import types
import typing
from typing import Any, Optional

from kfbasicpy.function.context import Context
from kfbasicpy.function.function import ProcessFunction, StreamProcessFunction
from kfbasicpy.function.open_context import OpenContext
from kfbasicpy.function.stream_queue import StreamMsg, StreamQueue
from kfbasicpy.runtime.basic import AckException

from .failure import failure_of

_MODULE = "kflow_function"


class LoadError(Exception):
    """The code cannot be loaded; the message contains the line, `trace` the traceback."""

    def __init__(self, message: str, trace: Optional[str] = None) -> None:
        super().__init__(message)
        self.trace = trace


def load_entry(init: dict[str, Any]) -> tuple[Any, Any]:
    """The object named `entry` (default `process`) in the function's inline code or module, and what the code names
    `finish`, or None. Raises LoadError."""
    code = init.get("code")
    if code is None:
        module = _run_file(init["module"], init["functionId"])
    else:
        module = _run(code, f"<code of {init['functionId']}>", _MODULE, init["functionId"])
    entry = init.get("entry") or "process"
    if entry not in vars(module):
        names = ", ".join(_own_functions(module)) or "none"
        raise LoadError(f'the code has no function "{entry}"; found: {names}; set meta.name to the entry function')
    return getattr(module, entry), None if entry == "finish" else vars(module).get("finish")


def _run_file(path: str, function_id: str) -> types.ModuleType:
    try:
        with open(path, encoding="utf-8") as file:
            code = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"cannot read the module: {error}") from None
    sys.path.insert(0, os.path.dirname(path))
    return _run(code, path, os.path.splitext(os.path.basename(path))[0], function_id)


def _run(code: str, filename: str, name: str, function_id: str) -> types.ModuleType:
    # linecache does not compare an entry without a modification time with the disk, so it keeps the lines that run.
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
    module = types.ModuleType(name)
    module.__file__ = filename
    vars(module).update(_scope(function_id))
    # dataclasses, pickle and typing look the module up by name.
    sys.modules[name] = module
    try:
        # Annotations are not evaluated, so `Context | None` works on Python 3.9.
        exec(compile(code, filename, "exec", __future__.annotations.compiler_flag, True), vars(module))
    except SyntaxError as error:
        place = f"line {error.lineno}: " if error.filename == filename else f"{error.filename}, line {error.lineno}: "
        raise LoadError(f"{place}{error.msg}: {(error.text or '').strip()}", failure_of(error)["trace"]) from None
    except BaseException as error:
        failure = failure_of(error)
        raise LoadError(f"{_line_of(error, filename)}{failure['type']}: {failure['message']}", failure["trace"]) from None
    return module


def _line_of(error: BaseException, filename: str) -> str:
    line = 0
    tb = error.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == filename:
            line = tb.tb_lineno
        tb = tb.tb_next
    return f"line {line}: " if line else ""


def _scope(function_id: str) -> dict[str, Any]:
    names = {name: getattr(typing, name) for name in ("Any", "Dict", "List", "Optional", "Tuple", "Union")}
    classes = (AckException, Context, OpenContext, ProcessFunction, StreamMsg, StreamProcessFunction, StreamQueue)
    names.update({cls.__name__: cls for cls in classes})
    return {**names, "asyncio": asyncio, "logging": logging, "logger": logging.getLogger(function_id)}


def _own_functions(module: types.ModuleType) -> list[str]:
    own = vars(module).items()
    return [name for name, value in own if callable(value) and getattr(value, "__module__", None) == module.__name__]
