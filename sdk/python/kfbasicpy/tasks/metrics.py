"""Metrics of tasks: how many were started, and how they ended."""

from __future__ import annotations

import os
import socket
from typing import Mapping, Protocol


class TaskMetrics(Protocol):
    def started(self, name: str) -> None: ...

    def ended(self, name: str, status: str) -> None: ...


class _NoMetrics:
    def started(self, name: str) -> None:
        pass

    def ended(self, name: str, status: str) -> None:
        pass


class PrometheusMetrics:
    """The gauge `kflow_task_count` and the counter `kflow_task_result_total`, on a page for Prometheus."""

    def __init__(self, address: str, port: int) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

        registry = CollectorRegistry()
        self._hostname = socket.gethostname()
        self._count = Gauge("kflow_task_count", "Tasks that were started", ["name"], registry=registry)
        self._result = Counter(
            "kflow_task_result", "Tasks that have ended", ["hostname", "name", "status"], registry=registry
        )
        self._server, self._thread = start_http_server(port, addr=address, registry=registry)
        self.port = self._server.server_port

    def started(self, name: str) -> None:
        self._count.labels(name=name).inc()

    def ended(self, name: str, status: str) -> None:
        self._result.labels(hostname=self._hostname, name=name, status=status).inc()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


_current: TaskMetrics = _NoMetrics()


def current_metrics() -> TaskMetrics:
    return _current


def use_metrics(metrics: TaskMetrics) -> None:
    """From now on, all tasks of this process are counted here."""
    global _current
    _current = metrics


def open_metrics(env: Mapping[str, str] = os.environ) -> None:
    """Serves metrics at KFLOW_METRICS_ADDRESS (0.0.0.0) and KFLOW_METRICS_PORT (8888) if KFLOW_METRICS_ENABLED is `yes`."""
    if env.get("KFLOW_METRICS_ENABLED", "").lower() != "yes" or isinstance(_current, PrometheusMetrics):
        return
    use_metrics(PrometheusMetrics(env.get("KFLOW_METRICS_ADDRESS", "0.0.0.0"), int(env.get("KFLOW_METRICS_PORT", "8888"))))
