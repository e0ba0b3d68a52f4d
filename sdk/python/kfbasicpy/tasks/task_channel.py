"""The tasks of a task namespace over NATS JetStream, as docs/task-protocol.md has them. The client is asynchronous and runs in a
thread of its own, so a task may block as long as it likes: its message is held meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
from datetime import datetime, timezone
from typing import Any, Awaitable, Mapping, Optional, TypeVar

import nats
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from .error import TransportError
from .nats_transport import login_of

Value = TypeVar("Value")

_ACK_WAIT = 15.0
_RENEW = 5.0
_REQUEST = 10.0
_ANSWER = 2.0
_MAX_INLINE = 64 * 1024
_MAX_DELIVERIES = 5


class TaskChannel:
    """Takes tasks, one at a time, and reports their results."""

    def __init__(self, task_namespace: str, url: Optional[str] = None, login: Optional[Mapping[str, str]] = None) -> None:
        """Connects, by default as consumers do. Raises TransportError."""
        self._namespace = os.environ.get("KFLOW_NAMESPACE") or "default"
        self._task_namespace = task_namespace
        self.worker = f"{socket.gethostname()}-{os.getpid()}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kflow-tasks", daemon=True)
        self._thread.start()
        try:
            self._call(self._open(url or os.environ.get("KFLOW_NATS_URL") or "nats://127.0.0.1:4222", login or {}), 60)
        except BaseException:
            self._stop()
            raise

    def next(self, timeout: float) -> Optional[HeldTask]:
        """A task with its input; None if none comes within `timeout` seconds."""
        return self._call(self._next(timeout))

    def publish(self, task: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """Stores a result of a task. Raises TransportError."""
        self._call(self._publish(task, report))

    def settle(self, work: Awaitable[Any]) -> None:
        self._call(work)

    def close(self) -> None:
        with contextlib.suppress(TransportError):
            self._call(self._connection.close())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Awaitable[Value], timeout: float = _REQUEST) -> Value:
        running = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout), self._loop)
        try:
            return running.result()
        except Exception as error:
            raise TransportError(f"nats: {str(error) or type(error).__name__}") from error

    async def _open(self, url: str, login: Mapping[str, str]) -> None:
        files = login_of(os.environ.get("KFLOW_NATS_CREDENTIALS"))
        self._connection = await nats.connect(url.split(","), max_reconnect_attempts=-1, reconnect_time_wait=0.25, **{**files, **login})
        self._jetstream = self._connection.jetstream(domain=os.environ.get("KFLOW_NATS_DOMAIN"), timeout=_REQUEST / 2)
        subject = f"kflow.{self._namespace}.task.{self._task_namespace}.>"
        config = ConsumerConfig(ack_wait=_ACK_WAIT, max_deliver=-1, filter_subject=subject, max_ack_pending=25_000)
        stream = f"kflow_{self._namespace}__tasks"
        self._tasks = await self._jetstream.pull_subscribe(subject, durable=self._task_namespace, stream=stream, config=config)

    async def _next(self, timeout: float) -> Optional[HeldTask]:
        try:
            [found] = await self._tasks.fetch(1, timeout=timeout)
        except (NatsTimeout, asyncio.TimeoutError):
            return None
        task = _parsed(found.data)
        if task is None:
            await found.term()
            return None
        lease = asyncio.ensure_future(_renew(found))
        deliveries = found.metadata.num_delivered
        if deliveries > 1 and not await self._is_needed(task, found):
            lease.cancel()
            return None
        held = HeldTask(self, found, lease, task)
        if deliveries > _MAX_DELIVERIES:
            error = {"code": "worker-lost", "message": f"delivered {deliveries} times without a result", "isTerminal": True}
            await self._publish(task, {"kind": "failed", "error": error})
            await held.acked()
            return None
        for name in ("input", "parameters"):
            task[name] = await self._fetched(task.get(name))
        return held

    async def _is_needed(self, task: Mapping[str, Any], found: Any) -> bool:
        """Whether a task that was delivered before has no result. One that has is acked; without an answer, the task is given back."""
        asked = json.dumps({"v": 1, "id": task["id"], "token": task["token"], "worker": self.worker}).encode()
        try:
            answer = await self._connection.request(f"kflow.{self._namespace}.heartbeat", asked, timeout=_ANSWER)
            is_canceled = json.loads(answer.data)["isCanceled"]
        except Exception:  # no controller runs, or it is not reached for now
            await found.nak(delay=_RENEW)
            return False
        if is_canceled:
            await found.ack()
        return not is_canceled

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
        body = json.dumps(value).encode()
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
    """A task whose message this process holds until its end, or until it is given back."""

    def __init__(self, channel: TaskChannel, message: Any, lease: asyncio.Future[None], task: dict[str, Any]) -> None:
        self._channel = channel
        self._message = message
        self._lease = lease
        self.task = task
        self.id: str = task["id"]

    def report(self, report: Mapping[str, Any]) -> None:
        self._channel.publish(self.task, report)

    def end(self, report: Mapping[str, Any]) -> None:
        """Stores the result, then acks the task."""
        self.report(report)
        self._channel.settle(self.acked())

    def give_back(self, delay: float) -> None:
        self._channel.settle(self._given_back(delay))

    async def acked(self) -> None:
        self._lease.cancel()
        await self._message.ack_sync()

    async def _given_back(self, delay: float) -> None:
        self._lease.cancel()
        await self._message.nak(delay=delay)


async def _renew(message: Any) -> None:
    while True:
        await asyncio.sleep(_RENEW)
        with contextlib.suppress(Exception):  # the connection is away; the next one may come in time
            await message.in_progress()


def _parsed(data: bytes) -> Optional[dict[str, Any]]:
    """None for what is no task of this protocol."""
    try:
        task = json.loads(data)
    except ValueError:
        return None
    required = ("id", "token", "execution", "step", "task", "name", "attempt")
    return task if isinstance(task, dict) and task.get("v") == 1 and all(name in task for name in required) else None


def _is_claim(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["$claim"]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
