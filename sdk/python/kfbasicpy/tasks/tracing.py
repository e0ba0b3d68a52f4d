"""Traces of tasks: `metadata.traceparent` (W3C) names the span under which a task runs. Spans are made where OpenTelemetry's
API is installed; which of them are exported, and where to, its SDK decides."""

from __future__ import annotations

import re
import secrets
from typing import Any, Optional

from .result import Result

TRACEPARENT = "traceparent"

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SECRET = re.compile(r"passw|token|secret|credential|api.?key|private.?key", re.IGNORECASE)
_MAX_TAG = 1_000

try:
    from opentelemetry import trace as _otel
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:  # spans are not recorded; the trace is passed on
    _otel = None  # type: ignore[assignment]


class TaskSpan:
    """The span of one run. `traceparent` is for what the run causes."""

    def __init__(self, path: str, parent: Any) -> None:
        is_known = isinstance(parent, str) and _TRACEPARENT.fullmatch(parent) is not None
        self._span = None if _otel is None else _start(path, parent if is_known else None)
        context = None if self._span is None else self._span.get_span_context()
        if context is not None and context.is_valid and context.span_id != (_span_id(parent) if is_known else None):
            self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        else:
            self.traceparent = parent if is_known else f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"

    def end(self, path: str, uuid: str, result: Result) -> None:
        """Ends the span with tags: the uuid, the entrypoint, and the result without what looks like a secret."""
        if self._span is None or _otel is None:
            return
        self._span.set_attributes(tags_of(path, uuid, result))
        if result.retcode != 0:
            self._span.set_status(_otel.StatusCode.ERROR, result.stderr[:_MAX_TAG])
        self._span.end()


def tags_of(path: str, uuid: str, result: Result) -> dict[str, Any]:
    """`uuid`, `entrypoint` and `result.…`, one tag a value. A key that looks like that of a secret has none, nor what is below."""
    return {"uuid": uuid, "entrypoint": path, **_flat("result", result.to_json())}


def _flat(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        inner = {f"{name}.{key}": each for key, each in value.items() if not _SECRET.search(str(key))}
    elif isinstance(value, list):
        inner = {f"{name}.{at}": each for at, each in enumerate(value)}
    elif isinstance(value, (bool, int, float)):
        return {name: value}
    else:
        return {} if value is None else {name: str(value)[:_MAX_TAG]}
    return {tag: each for key, nested in inner.items() for tag, each in _flat(key, nested).items()}


def _start(path: str, parent: Optional[str]) -> Any:
    carrier = {} if parent is None else {TRACEPARENT: parent}
    context = TraceContextTextMapPropagator().extract(carrier)
    return _otel.get_tracer("kfbasicpy.tasks").start_span(path, context=context)


def _span_id(traceparent: str) -> int:
    return int(traceparent.split("-")[2], 16)
