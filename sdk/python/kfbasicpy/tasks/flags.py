"""Files with which somebody beside a consumer watches and controls it."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Mapping, Optional


class Flags:
    """The files `kflow-<name>-run.lock`, `-pause.lock` and `-terminate.lock`. The name is that of the host by default: consumers
    on one host that are to be controlled one by one need KFLOW_CONSUMER_NAME. They are in KFLOW_LOCK_PATH: /var/run by default if it
    can be written to, else the folder for temporary files."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.folder = Path(env.get("KFLOW_LOCK_PATH") or _default_folder())
        self.folder.mkdir(parents=True, exist_ok=True)
        name = env.get("KFLOW_CONSUMER_NAME") or socket.gethostname()
        self._run, self._pause, self._terminate = (
            self.folder / f"kflow-{name}-{flag}.lock" for flag in ("run", "pause", "terminate")
        )

    def open(self) -> None:
        """Removes what an earlier consumer left. A flag to end stays until somebody removes it."""
        self._pause.unlink(missing_ok=True)
        self.processing = None

    @property
    def processing(self) -> Optional[str]:
        """What is being run, as `path[uuid]`, one a line."""
        return (self._run.read_text() if self._run.exists() else "") or None

    @processing.setter
    def processing(self, what: Optional[str]) -> None:
        beside = self._run.with_suffix(f".{os.getpid()}")
        beside.write_text(what or "")
        beside.replace(self._run)

    @property
    def is_paused(self) -> bool:
        return self._pause.exists()

    @property
    def is_terminated(self) -> bool:
        return self._terminate.exists()


def _default_folder() -> str:
    return "/var/run" if os.access("/var/run", os.W_OK) else tempfile.gettempdir()
