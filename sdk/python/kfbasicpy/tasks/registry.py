"""The tasks and operations of a program."""

from __future__ import annotations

import logging
from typing import Any, Optional, TypeVar

from .controller import Controller
from .entrypoint import Entrypoint
from .log import write

Subscribed = TypeVar("Subscribed", bound=type)


class OperationRegistry:
    """Registers tasks and operations by their path, for a consumer: `consumer.REGISTRY = registry.controller`."""

    def __init__(self, app: Any = None, controller_class: type[Controller] = Controller) -> None:
        self.app: Any = None
        self.controller = controller_class()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Any = None) -> None:
        """Keeps the application, a Flask or any other, as `app`, and loads tasks."""
        self.app = app
        self.load_tasks()

    def load_tasks(self) -> None:
        """To implement: imports modules whose tasks are registered."""

    def subscribe(self, callback: Subscribed) -> Subscribed:
        """Registers a task or an operation, and returns it: a decorator. Of two with the same path, the first one stays.
        Raises ValidationError for anything else."""
        self.controller.register(callback.path if _is_entrypoint(callback) else repr(callback), callback)
        write(logging.INFO, f"Operation registry: loaded {callback.path}")
        return callback

    def find(self, path: str) -> Optional[type[Entrypoint]]:
        return self.controller.entrypoints.get(path)


def _is_entrypoint(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Entrypoint)
