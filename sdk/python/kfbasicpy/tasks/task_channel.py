"""The tasks of a task namespace over NATS JetStream, as docs/task-protocol.md has them. The client is asynchronous and runs in a
thread of its own, so a task may block as long as it likes: its message is held meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import socket
import threading
from datetime import datetime, timezone
from typing import Any, Awaitable, Mapping, Optional, TypeVar

from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError, ObjectNotFoundError

from kfbasicpy.task.json_text import json_text

from .error import TransportError
from .nats_connection import connect, login_of

Value = TypeVar("Value")

_ACK_WAIT = 15.0
_RENEW = 5.0
_REQUEST = 10.0
_ANSWER = 2.0
_ASK = 15.0
_TRANSFER = 600
"""Seconds that a value of 100 MB may take."""
_MAX_INLINE = 64 * 1024
_MAX_BEGUN = 5


class TaskChannel:
    """Takes tasks, one at a time, and reports their results."""

    def __init__(self, task_namespace: str, url: Optional[str] = None, login: Optional[Mapping[str, str]] = None) -> None:
        """Connects, by default as consumers do. Raises TransportError."""
        self._namespace = os.environ.get("KFLOW_NAMESPACE") or "default"
        self._task_namespace = task_namespace
        self.worker = re.sub(r"[^A-Za-z0-9_-]", "-", f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")
        self._held: set[HeldTask] = set()
        self._since = _now()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kflow-tasks", daemon=True)
        self._thread.start()
        try:
            self._call(self._open(url or os.environ.get("KFLOW_NATS_URL") or "nats://127.0.0.1:4222", login or {}), 60)
        except BaseException:
            self._stop()
            raise

    def next(self, timeout: float) -> Optional[HeldTask]:
        """A task with its input; None if none comes within `timeout` seconds. Raises TransportError."""
        return self._call(self._next(timeout), _TRANSFER)

    def publish(self, task: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """Stores a result of a task. Raises TransportError."""
        self._call(self._publish(task, report), _TRANSFER)

    def settle(self, work: Awaitable[Any]) -> None:
        self._call(work)

    def close(self) -> None:
        with contextlib.suppress(TransportError):
            self._call(self._close())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Awaitable[Value], timeout: float = _REQUEST) -> Value:
        running = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout), self._loop)
        try:
            return running.result()
        except TransportError:
            raise
        except Exception as error:
            raise TransportError(f"nats: {str(error) or type(error).__name__}") from error

    async def _open(self, url: str, login: Mapping[str, str]) -> None:
        files = login_of(os.environ.get("KFLOW_NATS_CREDENTIALS"))
        self._connection = await connect(url.split(","), {**files, **login})
        self._jetstream = self._connection.jetstream(domain=os.environ.get("KFLOW_NATS_DOMAIN"), timeout=_REQUEST / 2)
        subject = f"kflow.{self._namespace}.task.{self._task_namespace}.>"
        config = ConsumerConfig(ack_wait=_ACK_WAIT, max_deliver=-1, filter_subject=subject, max_ack_pending=25_000)
        stream = f"kflow_{self._namespace}__tasks"
        self._tasks = await self._jetstream.pull_subscribe(subject, durable=self._task_namespace, stream=stream, config=config)
        self._announcing = asyncio.ensure_future(self._announce())

    async def _close(self) -> None:
        self._announcing.cancel()
        await asyncio.gather(*(held.given_back(0) for held in self._held), return_exceptions=True)
        with contextlib.suppress(Exception):
            await (await self._jetstream.key_value(f"kflow_{self._namespace}__workers")).delete(self._key)
        await self._connection.close()

    async def _announce(self) -> None:
        while True:
            running = len(self._held)
            entry = {"v": 1, "worker": self.worker, "taskNamespace": self._task_namespace, "tasks": {"*": {}}, "language": "python"}
            entry = {**entry, "slots": max(1, running), "running": running, "since": self._since, "lastSeen": _now()}
            for bucket in ("workers", "recent"):
                with contextlib.suppress(Exception):  # the connection is away; the next one may come in time
                    values = await self._jetstream.key_value(f"kflow_{self._namespace}__{bucket}")
                    await values.put(self._key, json.dumps(entry).encode())
            await asyncio.sleep(_RENEW)

    @property
    def _key(self) -> str:
        return f"{self._task_namespace}.{self.worker}"

    async def _next(self, timeout: float) -> Optional[HeldTask]:
        try:
            [found] = await self._tasks.fetch(1, timeout=timeout)
        except (NatsTimeout, asyncio.TimeoutError):
            return None
        task = _parsed(found.data)
        if task is None:
            await found.term()
        elif task["v"] != 1:
            await found.nak(delay=_RENEW)  # for a worker that knows this version
        else:
            return await self._begun(HeldTask(self, found, task))
        return None

    async def _begun(self, held: HeldTask) -> Optional[HeldTask]:
        """The task with its values, unless it is not needed; it is given back if that is not known."""
        held.hold()
        try:
            if not await self._is_needed(held) or not await self._is_loaded(held):
                return None
        except BaseException:
            with contextlib.suppress(Exception):
                await held.given_back(1)
            raise
        held.has_begun = True
        self._held.add(held)
        return held

    async def _is_loaded(self, held: HeldTask) -> bool:
        try:
            for name in ("input", "parameters"):
                held.task[name] = await self._fetched(held.task.get(name))
        except ObjectNotFoundError as error:
            failure = {"code": "message-invalid", "message": f"a value is not there: {error}", "isTerminal": True}
            await self._publish(held.task, {"kind": "failed", "error": failure})
            await held.acked()
            return False
        return True

    async def _is_needed(self, held: HeldTask) -> bool:
        """Whether a task that was delivered before has no result. One that has is acked; without an answer, the task is given back."""
        if held.deliveries == 1:
            return True
        answer = await self.heartbeat(held.task, "begins")
        if answer is None:
            await held.given_back(_RENEW)
            return False
        begun = answer.get("begun", 0)
        if not answer["isCanceled"] and begun > _MAX_BEGUN:
            error = {"code": "worker-lost", "message": f"{begun} workers have begun the task, and none has ended it", "isTerminal": True}
            await self._publish(held.task, {"kind": "failed", "error": error})
        elif not answer["isCanceled"]:
            return True
        await held.acked()
        return False

    async def heartbeat(self, task: Mapping[str, Any], lease: Optional[str] = None) -> Optional[dict[str, Any]]:
        """The answer of a controller; None when none runs, or it is not reached for now."""
        body = {"v": 1, "id": task["id"], "token": task["token"], "worker": self.worker, **({} if lease is None else {"lease": lease})}
        try:
            answer = await self._connection.request(f"kflow.{self._namespace}.heartbeat", json.dumps(body).encode(), timeout=_ANSWER)
            found = json.loads(answer.data)
        except Exception:
            return None
        return found if isinstance(found, dict) and "isCanceled" in found else None

    def ended(self, held: HeldTask) -> None:
        self._held.discard(held)

    async def _publish(self, task: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        if "output" in report:
            report = {**report, "output": await self._stored(f"{task['id']}/output", report["output"])}
        result = {"v": 1, "id": task["id"], "token": task["token"], "at": _now(), "worker": self.worker, **report}
        headers = {"Nats-Msg-Id": f"{task['id']}/{report['kind']}"}
        subject = f"kflow.{self._namespace}.result.{task['execution']}"
        await self._jetstream.publish(subject, json.dumps(result).encode(), headers=headers)

    async def _fetched(self, value: Any) -> Any:
        if not _is_claim(value):
            return value
        store = await self._jetstream.object_store(self._bucket)
        return json.loads((await store.get(value["$claim"]["key"])).data)

    async def _stored(self, key: str, value: Any) -> Any:
        body = json_text("output", value).encode()
        if len(body) <= _MAX_INLINE and not _is_claim(value):
            return value
        try:
            store = await self._jetstream.object_store(self._bucket)
        except NotFoundError:
            store = await self._jetstream.create_object_store(self._bucket)
        await store.put(key, body)
        return {"$claim": {"key": key, "bytes": len(body)}}

    @property
    def _bucket(self) -> str:
        return f"kflow_{self._namespace}__values"


class HeldTask:
    """A task whose message this process holds until its end, until it is given back, or until it is not needed any more."""

    def __init__(self, channel: TaskChannel, message: Any, task: dict[str, Any]) -> None:
        self._channel = channel
        self._message = message
        self._lease: Optional[asyncio.Future[None]] = None
        self.task = task
        self.id: str = task["id"]
        self.deliveries: int = message.metadata.num_delivered
        self.has_begun = False
        self.is_canceled = False

    def hold(self) -> None:
        self._lease = asyncio.ensure_future(self._renew())

    def report(self, report: Mapping[str, Any]) -> None:
        self._channel.publish(self.task, report)

    def end(self, report: Mapping[str, Any]) -> None:
        """Stores the result, then acks the task; gives the task back if that fails. Raises TransportError then."""
        if self.is_canceled:
            return
        try:
            self.report(report)
            self._channel.settle(self.acked())
        except BaseException:
            with contextlib.suppress(TransportError):
                self.give_back(1.0)
            raise

    def give_back(self, delay: float) -> None:
        self._channel.settle(self.given_back(delay))

    async def acked(self) -> None:
        self._release()
        if not self.is_canceled:
            await self._message.ack_sync()

    async def given_back(self, delay: float) -> None:
        self._release()
        if self.is_canceled:
            return
        await self._message.nak(delay=delay)
        if self.has_begun:
            await self._channel.heartbeat(self.task, "returns")

    def _release(self) -> None:
        if self._lease is not None:
            self._lease.cancel()
        self._channel.ended(self)

    async def _renew(self) -> None:
        """Renews the lease, and asks whether the task is needed, as often as its heartbeat timeout wants."""
        ask = min(_ASK, (self.task.get("timeouts") or {}).get("heartbeatMs", _ASK * 3_000) / 3_000)
        wait = min(_RENEW, ask)
        waited = 0.0
        while True:
            await asyncio.sleep(wait)
            waited += wait
            with contextlib.suppress(Exception):  # the connection is away; the next one may come in time
                await self._message.in_progress()
            if waited < ask:
                continue
            waited = 0.0
            answer = await self._channel.heartbeat(self.task)
            if answer is not None and answer["isCanceled"]:
                self.is_canceled = True
                self._channel.ended(self)
                with contextlib.suppress(Exception):
                    await self._message.ack()
                return


def _parsed(data: bytes) -> Optional[dict[str, Any]]:
    """None for what is no task of this protocol."""
    try:
        task = json.loads(data)
    except ValueError:
        return None
    required = ("id", "token", "execution", "step", "task", "name", "attempt")
    if not isinstance(task, dict):
        return None
    is_newer = isinstance(task.get("v"), int) and task["v"] != 1
    return task if is_newer or (task.get("v") == 1 and all(name in task for name in required)) else None


def _is_claim(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["$claim"]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
