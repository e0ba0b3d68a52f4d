"""Connections to nats, with the credential files of flows."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

import nats
from nats.aio.client import Client

from .error import TransportError
from .log import write


async def connect(urls: Sequence[str], login: Mapping[str, Any]) -> Client:
    """Connects, and again whenever the connection is lost. Raises TransportError at once when the login is refused, which
    nats-py tries again and again."""
    refused: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def tell(error: Exception) -> None:
        is_first = not connecting.done() and not refused.done()
        if is_first and "authorization violation" in str(error).lower():
            refused.set_result(error)
        else:
            write(logging.WARNING, "nats: %s", str(error) or type(error).__name__, error=error)

    options = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.25, "error_cb": tell}
    connecting = asyncio.ensure_future(nats.connect(list(urls), **{**options, **login}))
    try:
        await asyncio.wait({connecting, refused}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not connecting.done():
            connecting.cancel()
    if refused.done():
        way = "its login" if login else "a connection without a login; set KFLOW_NATS_CREDENTIALS"
        raise TransportError(f"nats at {','.join(urls)} refuses {way}")
    return connecting.result()


def login_of(folder: Optional[str]) -> dict[str, Any]:
    """The login of a folder of credential files, the same as that of the replicas of flows."""
    files = {} if folder is None else {file.name: file for file in Path(folder).iterdir() if not file.name.startswith(".")}
    text = {name: files[name].read_text().rstrip("\r\n") for name in ("user", "password", "token") if name in files}
    login: dict[str, Any] = dict(text)
    if "nats.creds" in files:
        login["user_credentials"] = str(files["nats.creds"])
    if "nkey" in files:
        login["nkeys_seed"] = str(files["nkey"])
    if "ca.crt" in files or "tls.crt" in files:
        import ssl

        context = ssl.create_default_context(cafile=str(files["ca.crt"]) if "ca.crt" in files else None)
        if "tls.crt" in files:
            context.load_cert_chain(str(files["tls.crt"]), str(files["tls.key"]))
        login["tls"] = context
    return login
