"""The context of a function, passed to `open` before the first record."""

from __future__ import annotations

from typing import Any


class OpenContext:
    """Identifies a function in its flow. `flow_id` is `<namespace>/<jobId>`; `replica` counts from 0."""

    def __init__(self, namespace: str, job_id: str, function_id: str, replica: int, meta: dict[str, Any]) -> None:
        self.namespace = namespace
        self.job_id = job_id
        self.flow_id = f"{namespace}/{job_id}"
        self.function_id = function_id
        self.replica = replica
        self._meta = meta

    def get_process_fn_meta(self) -> dict[str, Any]:
        """The function's `meta` as written in the topology, including the user's own keys."""
        return self._meta
