"""Loads the code of a function, and finds its entry."""

from __future__ import annotations

import ast
import os
import sys
import types
from typing import Any, Callable, Iterator, NamedTuple, Optional

from kfbasicpy.runtime.basic import AckProps, BasicRuntime, HandedOver, handed_over
from kfbasicpy.sink.nats_sink import NatsSink

from .failure import failure_of
from .function_module import FunctionCode, run_module

_MODULE = "kflow_function"


class LoadError(Exception):
    """The code cannot be loaded; the message contains the line, `trace` the traceback."""

    def __init__(self, message: str, trace: Optional[str] = None) -> None:
        super().__init__(message)
        self.trace = trace


class Loaded(NamedTuple):
    """The entry of the code, what the code names `finish`, or None, and whether the code is a program with manual acks."""

    entry: Any
    finish: Any = None
    ack: AckProps = AckProps()


def load_program(init: dict[str, Any]) -> Optional[Callable[[], None]]:
    """What runs the code of a source, if it is a program that writes to a NatsSink. Raises LoadError when it cannot be read."""
    code = _code_of(init)
    if not any(_name_of(node) == NatsSink.__name__ for node in _nodes(code)):
        return None

    def run() -> None:
        run_module(code._replace(module="__main__"))

    return run


def load_entry(init: dict[str, Any]) -> Loaded:
    """The object named `entry` (default `process`) in the function's inline code or module, or the function of its
    BasicRuntime. Raises LoadError."""
    code = _code_of(init)
    if _is_program(code):
        return _of_program(code)
    module = _load(code)
    entry = init.get("entry") or "process"
    if entry not in vars(module):
        names = ", ".join(_own_functions(module)) or "none"
        raise LoadError(f'the code has no function "{entry}"; found: {names}; set meta.name to the entry function')
    return Loaded(getattr(module, entry), None if entry == "finish" else vars(module).get("finish"))


def load_tasks(init: dict[str, Any]) -> dict[str, Any]:
    """The functions of a task worker by the names of its tasks. Raises LoadError, which names the task."""
    modules: dict[str, types.ModuleType] = {}
    return {name: _load_task(name, {**task, "functionId": init["functionId"]}, modules) for name, task in init["tasks"].items()}


def _load_task(name: str, task: dict[str, Any], modules: dict[str, types.ModuleType]) -> Any:
    """The function of a task. `modules` has those that other tasks have loaded, by path: a module runs once."""
    entry = task.get("entry") or "".join(each if each.isalnum() or each == "_" else "_" for each in name)
    try:
        if task.get("code") is not None:
            # Code in the document has no file: each task is a module of its own.
            module = _load(_code_of(task)._replace(module=f"{_MODULE}_{entry}", filename=f"<code of {name}>"))
        else:
            path = task["module"]
            module = modules.get(path) or modules.setdefault(path, _load(_code_of(task)))
    except LoadError as error:
        raise LoadError(f"task {name}: {error}", error.trace) from None
    found = vars(module).get(entry)
    if not callable(found):
        names = ", ".join(_own_functions(module)) or "none"
        raise LoadError(f'task {name}: the code has no function "{entry}"; found: {names}; set name to the function of the task')
    return found


def _is_program(function: FunctionCode) -> bool:
    """Whether the code starts a BasicRuntime."""
    return any(isinstance(node, ast.Call) and _name_of(node.func) == BasicRuntime.__name__ for node in _nodes(function))


def _nodes(function: FunctionCode) -> Iterator[ast.AST]:
    """The syntax tree of the code; nothing if it cannot be parsed, which loading it reports."""
    try:
        return ast.walk(ast.parse(function.code))
    except (SyntaxError, ValueError):
        return iter(())


def _name_of(node: ast.AST) -> Optional[str]:
    return getattr(node, "id", getattr(node, "attr", None))


def _of_program(function: FunctionCode) -> Loaded:
    with handed_over() as runtimes:
        _load(function._replace(module="__main__"))
    if not runtimes:
        raise LoadError("the program creates a BasicRuntime and does not run it; call runtime.run()")
    return Loaded(runtimes[0].function, None, runtimes[0].ack)


def _code_of(init: dict[str, Any]) -> FunctionCode:
    function_id = init["functionId"]
    code = init.get("code")
    if code is not None:
        return FunctionCode(_MODULE, f"<code of {function_id}>", code, function_id)
    path = init["module"]
    try:
        with open(path, encoding="utf-8") as file:
            code = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"cannot read the module: {error}") from None
    sys.path.insert(0, os.path.dirname(path))
    return FunctionCode(os.path.splitext(os.path.basename(path))[0], path, code, function_id)


def _load(function: FunctionCode) -> types.ModuleType:
    filename = function.filename
    try:
        return run_module(function)
    except SyntaxError as error:
        place = f"line {error.lineno}: " if error.filename == filename else f"{error.filename}, line {error.lineno}: "
        raise LoadError(f"{place}{error.msg}: {(error.text or '').strip()}", failure_of(error).get("trace")) from None
    except HandedOver:
        raise
    except BaseException as error:
        failure = failure_of(error)
        raise LoadError(f"{_line_of(error, filename)}{failure['type']}: {failure['message']}", failure.get("trace")) from None


def _line_of(error: BaseException, filename: str) -> str:
    line = 0
    tb = error.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == filename:
            line = tb.tb_lineno
        tb = tb.tb_next
    return f"line {line}: " if line else ""


def _own_functions(module: types.ModuleType) -> list[str]:
    own = vars(module).items()
    return [name for name, value in own if callable(value) and getattr(value, "__module__", None) == module.__name__]
