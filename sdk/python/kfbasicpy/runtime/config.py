"""What a program knows of the topology that it is a part of."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Optional

from .basic import Function, start_replica

#: Set by the host in the process of a program, as JSON.
TOPOLOGY_VARIABLE = "KFLOW_TOPOLOGY"


@dataclass(frozen=True)
class Topology:
    """The part of a flow that one program sees: its function, and the sink that writes to the function's stream."""

    namespace: str
    jobId: str
    mode: str
    dag: list[Function] = field(default_factory=list)


def loadTopology() -> Topology:
    """The topology of this program. In the container of an image, it starts the replica, which runs the program anew.
    Raises RuntimeError outside of a replica."""
    text = os.environ.get(TOPOLOGY_VARIABLE)
    if text is None:
        start_replica()
    topology: dict[str, Any] = json.loads(text)
    dag = [Function(**_known(each)) for each in topology["dag"]]
    return Topology(topology["namespace"], topology["jobId"], topology["mode"], dag)


def _known(function: dict[str, Any]) -> dict[str, Any]:
    """Fields that this version knows."""
    names = Function.__dataclass_fields__
    return {name: value for name, value in function.items() if name in names}


def own_sink(topology: dict[str, Any]) -> Optional[dict[str, Any]]:
    """The sink of a program's topology."""
    return next((each for each in topology["dag"] if not each["out"]), None)
