"""Tasks and operations: work that messages ask for, done by whichever consumer takes it."""

from .consumer import Consumer
from .controller import Controller
from .error import InternalError, NotFoundError, OperationError, PayloadError, TransportError, ValidationError
from .operation import Operation
from .producer import Producer
from .registry import OperationRegistry
from .result import Result
from .schemas import Message
from .task import Task

__all__ = [
    "Consumer",
    "Controller",
    "InternalError",
    "Message",
    "NotFoundError",
    "Operation",
    "OperationError",
    "OperationRegistry",
    "PayloadError",
    "Producer",
    "Result",
    "Task",
    "TransportError",
    "ValidationError",
]
