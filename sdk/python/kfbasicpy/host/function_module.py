"""The module of a function: its code is compiled so that tracebacks show its lines, and other processes can import it.

A process that multiprocessing starts afresh (`spawn`, `forkserver`) imports by name what it is to run. Inline code is in no
file, so it is passed on in an environment variable.
"""

from __future__ import annotations

import __future__
import asyncio
import base64
import importlib.abc
import importlib.util
import json
import linecache
import logging
import os
import sys
import types
import typing
import zlib
from typing import Any, NamedTuple, Optional

from kfbasicpy.function.context import Context
from kfbasicpy.function.function import ProcessFunction, StreamProcessFunction
from kfbasicpy.function.open_context import OpenContext
from kfbasicpy.function.stream_queue import StreamMsg, StreamQueue
from kfbasicpy.runtime.basic import AckException
from kfbasicpy.task.context import TaskContext
from kfbasicpy.task.errors import TaskError, TerminalError

_VARIABLE = "KFLOW_PYTHON_FUNCTION"
# Linux limits one variable to 128 KiB. Longer code cannot be imported by other processes.
_MAX_VARIABLE = 100_000


class FunctionCode(NamedTuple):
    """The code of a function, and the module and the file that it is to be."""

    module: str
    filename: str
    code: str
    function_id: str


def run_module(function: FunctionCode) -> types.ModuleType:
    """Runs the code as a module that other processes can import. Raises what the code raises."""
    _pass_on(function)
    module = types.ModuleType(function.module)
    # dataclasses, pickle and typing look the module up by name.
    sys.modules[function.module] = module
    _run(function, module)
    return module


def make_importable() -> None:
    """Makes the module of the parent's function importable in this process."""
    text = os.environ.get(_VARIABLE)
    if text is not None:
        sys.meta_path.append(_Finder(FunctionCode(*json.loads(zlib.decompress(base64.b64decode(text))))))


def _pass_on(function: FunctionCode) -> None:
    text = base64.b64encode(zlib.compress(json.dumps(function).encode())).decode()
    if len(text) <= _MAX_VARIABLE:
        os.environ[_VARIABLE] = text


def _run(function: FunctionCode, module: types.ModuleType) -> None:
    _, filename, code, function_id = function
    # linecache does not compare an entry without a modification time with the disk, so it keeps the lines that run.
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
    module.__file__ = filename
    vars(module).update(_scope(function_id))
    # Annotations are not evaluated, so `Context | None` works on Python 3.9.
    exec(compile(code, filename, "exec", __future__.annotations.compiler_flag, True), vars(module))


def _scope(function_id: str) -> dict[str, Any]:
    names = {name: getattr(typing, name) for name in ("Any", "Dict", "List", "Optional", "Tuple", "Union")}
    classes = (AckException, Context, OpenContext, ProcessFunction, StreamMsg, StreamProcessFunction, StreamQueue, TaskContext, TaskError, TerminalError)
    names.update({cls.__name__: cls for cls in classes})
    return {**names, "asyncio": asyncio, "logging": logging, "logger": logging.getLogger(function_id)}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, function: FunctionCode) -> None:
        self._function = function

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        return importlib.util.spec_from_loader(name, self) if name == self._function.module else None

    def exec_module(self, module: types.ModuleType) -> None:
        _run(self._function, module)
