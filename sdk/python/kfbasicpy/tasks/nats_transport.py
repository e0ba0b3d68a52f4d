"""Messages over NATS JetStream. The client is asynchronous and runs in a thread of its own, so a task may block as long as it
likes: its message is held meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import threading
from typing import Any, Awaitable, Callable, Mapping, Optional, Sequence, TypeVar

from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from .error import OperationError, PayloadError, TransportError, ValidationError
from .nats_connection import connect, login_of

Value = TypeVar("Value")

_ACK_WAIT = 15.0
_RENEW = 5.0
_DUPLICATES = 3_600.0
"""Seconds in which a second message with the same id is dropped."""
_RESULTS_AGE = 7 * 86_400.0
_STATES_AGE = 30 * 86_400.0
_REQUEST = 10.0
_ROOM = 1_024
"""Bytes of a message beside its payload: headers and subject."""
_AWAY = (NatsTimeout, asyncio.TimeoutError, NoRespondersError, NoStreamResponseError, ServiceUnavailableError)
_WRONG_REVISION = (10071, 10164)
_KEY = re.compile(r"[A-Za-z0-9_=-]+")
_TOPIC = re.compile(r"[A-Za-z0-9_-]+")


def open_transport(env: Mapping[str, str]) -> NatsTransport:
    """Connects to the nats of KFLOW_NATS_URL (nats://127.0.0.1:4222), with the files of the folder KFLOW_NATS_CREDENTIALS, and uses
    the names of the namespace KFLOW_NAMESPACE (default). Raises TransportError."""
    return NatsTransport(
        env.get("KFLOW_NATS_URL") or "nats://127.0.0.1:4222",
        namespace=env.get("KFLOW_NAMESPACE") or "default",
        credentials=env.get("KFLOW_NATS_CREDENTIALS"),
        domain=env.get("KFLOW_NATS_DOMAIN"),
    )


class NatsTransport:
    """Topics are subjects of one work queue of a namespace; results are in a stream beside it, for a week; states are in a
    bucket, for 30 days after their last change."""

    def __init__(
        self, url: str, *, namespace: str, credentials: Optional[str] = None, domain: Optional[str] = None
    ) -> None:
        self._subjects = f"kflow.{namespace}.operation"
        self._queue = f"kflow_{namespace}__operations"
        self._domain = domain
        self._subscriptions: dict[tuple[str, int], Any] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kflow-nats", daemon=True)
        self._thread.start()
        try:
            self._call(self._open(url.split(","), credentials))
        except BaseException:
            self._stop()
            raise

    def publish(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        self._call(self._publish(self._subject(topic), payload, id))

    def publish_result(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        self._call(self._publish(f"{self._subject(topic)}.result", payload, id))

    def next(self, topics: Sequence[str], timeout: float) -> Optional[_NatsDelivery]:
        for topic in topics:
            place = (topic, threading.get_ident())  # two requests over one subscription take what is for the other
            message = self._call(self._fetch(place, max(timeout / len(topics), 0.1)))
            if message is not None:
                return _NatsDelivery(self, topic, message)
        return None

    def load(self, key: str) -> Optional[tuple[bytes, int]]:
        return self._call(self._load(key))

    def save(self, key: str, value: bytes, revision: int) -> Optional[int]:
        return self._call(self._save(key, value, revision))

    def close(self) -> None:
        with contextlib.suppress(TransportError):
            self._call(self._connection.close())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _subject(self, topic: str) -> str:
        if _TOPIC.fullmatch(topic) is None:
            raise ValidationError(f"topic {json.dumps(topic)}: want letters, digits, - and _")
        return f"{self._subjects}.{topic}"

    def _call(self, work: Awaitable[Value], timeout: float = _REQUEST) -> Value:
        """Runs in the client's thread. Whatever fails is a TransportError."""
        running = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, timeout), self._loop)
        try:
            return running.result()
        except OperationError:
            raise
        except Exception as error:
            raise TransportError(f"nats: {str(error) or type(error).__name__}") from error

    async def _open(self, urls: Sequence[str], credentials: Optional[str]) -> None:
        self._connection = await connect(urls, login_of(credentials))
        self._jetstream = self._connection.jetstream(domain=self._domain, timeout=_REQUEST / 4)
        await self._provision()

    async def _provision(self) -> None:
        """Creates the streams and the bucket that do not exist. Somebody may do the same at this moment."""
        queue = StreamConfig(
            name=self._queue,
            subjects=[f"{self._subjects}.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            duplicate_window=_DUPLICATES,
        )
        results = StreamConfig(
            name=f"{self._queue}_results",
            subjects=[f"{self._subjects}.*.result"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=_RESULTS_AGE,
            duplicate_window=_DUPLICATES,
        )
        states = StreamConfig(
            name=f"KV_{self._queue}",
            subjects=[f"$KV.{self._queue}.>"],
            max_msgs_per_subject=1,
            allow_rollup_hdrs=True,
            deny_delete=True,
            max_age=_STATES_AGE,
            discard=DiscardPolicy.NEW,
            storage=StorageType.FILE,
            allow_direct=True,
        )
        for config in (queue, results, states):
            await self._create(config)

    async def _create(self, config: StreamConfig) -> None:
        with contextlib.suppress(BadRequestError):  # it exists, with settings of another version
            await self._jetstream.add_stream(config)

    async def _publish(self, subject: str, payload: bytes, id: Optional[str]) -> None:
        self._check(payload)
        headers = {"Nats-Msg-Id": id or secrets.token_hex(16)}  # a retry after a lost answer is a duplicate
        await _retry(lambda: self._jetstream.publish(subject, payload, headers=headers))

    async def _fetch(self, place: tuple[str, int], timeout: float) -> Any:
        subscription = self._subscriptions.get(place)
        if subscription is None:
            topic, _ = place
            subject = self._subject(topic)
            config = ConsumerConfig(ack_wait=_ACK_WAIT, max_deliver=-1, filter_subject=subject)
            subscription = await self._jetstream.pull_subscribe(subject, durable=topic, stream=self._queue, config=config)
            self._subscriptions[place] = subscription
        try:
            [message] = await subscription.fetch(1, timeout=timeout)
            return message
        except (NatsTimeout, asyncio.TimeoutError):
            return None

    async def _load(self, key: str) -> Optional[tuple[bytes, int]]:
        stored = await self._last(key)
        return None if stored is None or _is_deleted(stored) else (stored.data or b"", stored.seq)

    async def _last(self, key: str) -> Any:
        """The last write of a key, from the leader of the bucket's stream; None if there is none."""
        try:
            return await _retry(lambda: self._jetstream.get_last_msg(f"KV_{self._queue}", self._value_subject(key)))
        except NotFoundError:
            return None

    async def _save(self, key: str, value: bytes, revision: int) -> Optional[int]:
        self._check(value)
        subject = self._value_subject(key)
        if self._domain is not None:
            subject = f"$JS.{self._domain}.API.{subject}"
        try:
            headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
            return (await _retry(lambda: self._jetstream.publish(subject, value, headers=headers))).seq
        except APIError as error:
            if error.err_code not in _WRONG_REVISION:
                raise
        last = await self._last(key)
        if last is not None and revision == 0 and _is_deleted(last):
            return await self._save(key, value, last.seq)
        # the answer of an earlier attempt may be lost
        return last.seq if last is not None and last.data == value else None

    def _value_subject(self, key: str) -> str:
        if _KEY.fullmatch(key) is None:
            raise ValidationError(f"state {json.dumps(key)}: want letters, digits, -, _ and =")
        return f"$KV.{self._queue}.{key}"

    def _check(self, payload: bytes) -> None:
        PayloadError.check(payload, self._connection.max_payload - _ROOM)

    def hold(self, message: Any) -> Any:
        """Renews the lease of a message until the returned task is canceled."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(_RENEW)
                with contextlib.suppress(Exception):  # the connection is away; the next one may come in time
                    await message.in_progress()

        return asyncio.run_coroutine_threadsafe(renew(), self._loop)

    def settle(self, work: Awaitable[Any]) -> None:
        self._call(work)


class _NatsDelivery:
    def __init__(self, transport: NatsTransport, topic: str, message: Any) -> None:
        self._transport = transport
        self._message = message
        self._lease = transport.hold(message)
        self.topic = topic
        self.payload: bytes = message.data
        self.sequence: int = message.metadata.sequence.stream
        self.deliveries: int = message.metadata.num_delivered

    def ack(self) -> None:
        self._lease.cancel()
        self._transport.settle(self._message.ack_sync(timeout=_REQUEST / 2))

    def release(self) -> None:
        self._lease.cancel()
        self._transport.settle(self._message.nak())


def _is_deleted(stored: Any) -> bool:
    return "KV-Operation" in (stored.headers or {})


async def _retry(request: Callable[[], Awaitable[Value]]) -> Value:
    """Tries again while the server is away, until the caller gives up."""
    while True:
        try:
            return await request()
        except _AWAY:
            await asyncio.sleep(0.1)
