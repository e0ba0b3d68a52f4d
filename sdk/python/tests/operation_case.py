"""Runs the cases of tasks and operations that TypeScript and Python share, and keeps what can be seen of them."""

import json
import logging
import tempfile

from kfbasicpy.tasks import (
    Consumer,
    Message,
    Operation,
    OperationError,
    OperationRegistry,
    Producer,
    Result,
    Task,
    TransportError,
)
from kfbasicpy.tasks.dummy_transport import DummyTransport
from kfbasicpy.tasks.log import logger
from kfbasicpy.tasks.metrics import use_metrics

TOPIC = "work"


class CaseRun(logging.Handler):
    def __init__(self, case):
        super().__init__(logging.DEBUG)
        self.case = case
        self.results, self.hooks, self.ran, self.ranBy, self.statuses = [], [], [], [], []
        self.logs, self.raw, self.buildParams, self.ids, self.next = [], [], [], [], []
        self.inputs, self.metrics = {}, {}
        self.data = None
        self.worker = "w1"
        self.transport = DummyTransport()
        self.registry = OperationRegistry()
        self.classes = {}

    def run(self):
        logger.addHandler(self)
        level, logger.level, logger.propagate = logger.level, logging.DEBUG, False
        use_metrics(self)
        try:
            for name, spec in self.case["classes"].items():
                is_task = "run" in spec or "runs" in spec
                self.classes[name] = (self.task if is_task else self.operation)(name, spec)
            for kind in self.classes.values():
                self.registry.subscribe(kind)
            for step in self.case["do"]:
                self.step(step)
        finally:
            logger.removeHandler(self)
            logger.level, logger.propagate = level, True

    @property
    def events(self):
        return [json.loads(each) for each in self.transport.results.get(TOPIC, [])]

    @property
    def waiting(self):
        return len(self.transport.waiting(TOPIC))

    # a handler of log records

    def emit(self, record):
        self.logs.append(f"{record.levelname} {record.getMessage()}")
        self.data = record.kmsg
        if hasattr(record, "raw"):
            self.raw.append(record.raw)

    # metrics

    def started(self, name):
        self.ended(name, "started")

    def ended(self, name, status):
        counts = self.metrics.setdefault(name, {})
        counts[status] = counts.get(status, 0) + 1

    def step(self, step):
        if "receive" in step:
            raw = step["receive"] if isinstance(step["receive"], str) else _text(step["receive"])
            self.results.append(self.registry.controller.run(raw))
        elif "execute" in step:
            task = self.made(step["execute"], step)
            for _ in range(step.get("times", 1)):
                self.results.append(task.execute())
        elif "build" in step:
            self.results.append(self.built(step["build"], step.get("params", {})))
        elif "launch" in step:
            operation = self.made(step["launch"], step)
            operation.producer, operation.topic = Producer(transport=self.transport), TOPIC
            self.results.append(operation.launch())
        elif "next" in step:
            operation = self.made(step["next"], step)
            following = [operation.next(task) for task in operation.tasks]
            self.next = [None if each is None else type(each).__name__ for each in following]
        elif "limit" in step:
            self.transport.max_bytes = step["limit"]
        elif "away" in step:
            self.transport.is_away = True
        elif "send" in step:
            message = Message.from_json(step["send"])
            self.results.append(Producer(transport=self.transport).send(TOPIC, message))
        elif "bulk" in step:
            messages = [Message.from_json(each) for each in step["bulk"]]
            self.results.append(Producer(transport=self.transport).bulk_send(TOPIC, messages))
        elif "subscribe" in step:
            self.results.append(self.subscribed(step["subscribe"]))
        elif "log" in step:
            self.made(step["log"], step).log(step["text"])
        else:
            self.work(step)

    def built(self, name, params):
        try:
            return Result(retval={"tasks": len(self.classes[name].build(**params).tasks)})
        except Exception as error:
            return Result.from_exception(error)

    def subscribed(self, name):
        try:
            return Result(stdout=self.registry.subscribe(dict if name is None else self.classes[name]).__name__)
        except Exception as error:
            return Result.from_exception(error)

    def work(self, step):
        """Workers take messages in turn until there are none."""
        transport = _Recording(self.transport, self.ids, step)
        with tempfile.TemporaryDirectory() as folder:
            workers = []
            for each in step["work"]:
                consumer = Consumer(each.get("topics", TOPIC), {"KFLOW_LOCK_PATH": folder}, transport=transport)
                registry = OperationRegistry()
                for name in each.get("classes", self.classes):
                    registry.subscribe(self.classes[name])
                consumer.REGISTRY = registry.controller
                workers.append((each.get("worker", "w1"), consumer))
            idle = 0
            while idle < len(workers):
                for worker, consumer in workers:
                    self.worker = worker
                    idle = 0 if consumer.run_next(0) else idle + 1

    def made(self, name, step):
        fields = {"params": step.get("params"), "uuid": step.get("uuid")}
        if "tasks" in step:
            fields["tasks"] = [
                self.classes[each["class"]](
                    status=each.get("status", "PENDING"),
                    result=Result.from_json(each["result"]) if "result" in each else None,
                )
                for each in step["tasks"]
            ]
        return self.classes[name](**fields)

    def task(self, name, spec):
        seen = self
        runs = iter(spec.get("runs", ()))

        def hook(at):
            seen.hooks.append(f"{name}.{at}")
            if at in spec.get("hooks", {}):
                raise Exception(spec["hooks"][at])

        class Scripted(Task):
            REQUIRED_FIELDS = spec.get("requires", ())

            def __init__(self, metadata=None, params=None, **fields):
                params = {**_long(spec.get("params", {})), **(params or {})}
                super().__init__(metadata={**spec.get("metadata", {}), **(metadata or {})}, params=params, **fields)

            def postinit(self):
                hook("postinit")

            def prerun(self):
                hook("prerun")

            def run(self):
                hook("run")
                seen.ran.append(name)
                seen.ranBy.append(f"{seen.worker}:{name}")
                seen.inputs[name] = self.result.retval
                return _result_of(self.uuid, dict(next(runs, spec.get("run", {}))))

            def postrun(self, result):
                hook("postrun")

            def onsuccess(self, result):
                hook("onsuccess")
                return result

            def onerror(self, result):
                hook("onerror")
                return result

        return _named(Scripted, name, spec)

    def operation(self, name, spec):
        seen = self

        class Scripted(Operation):
            REQUIRED_FIELDS = spec.get("requires", ())
            TASKS = [self.classes[child] for child in spec.get("children", ())]

            def prebuild(self, **kwargs):
                return spec.get("prebuild")

            def build_tasks(self, **kwargs):
                seen.buildParams.append(kwargs)
                return [seen.classes[each]() for each in spec.get("tasks", ())]

            def set_status(self, status, result=None):
                seen.statuses.append(f"{self.status}->{status}")
                return super().set_status(status, result)

        return _named(Scripted, name, spec)


class _Recording:
    """Notes the ids of messages. With `dies`, the first consumer of each message is gone before its ack."""

    def __init__(self, inner, ids, step):
        self.inner, self.ids = inner, ids
        self.dies, self.deaths = step.get("diesBeforeAck", False), step.get("deaths", 0)
        self.loses, self.lost = step.get("losesResults", False), set()

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def publish(self, topic, payload, id=None):
        if id is not None and not id.endswith("/end") and id not in self.ids:
            self.ids.append(id)
        self.inner.publish(topic, payload, id)

    def publish_result(self, topic, payload, id=None):
        if self.loses and id not in self.lost:
            self.lost.add(id)
            raise TransportError("the consumer is gone")
        self.inner.publish_result(topic, payload, id)

    def next(self, topics, timeout):
        delivery = self.inner.next(topics, timeout)
        if delivery is not None:
            dies = self.dies and delivery.deliveries == 1
            delivery.ack = delivery.release if dies else (lambda: None)
            delivery.deliveries += self.deaths
        return delivery


def _named(kind, name, spec):
    return type(name, (kind,), {"__module__": "m", "path": spec.get("path", f"m.{name}"), "topic": spec.get("topic")})


def _long(fields):
    """A number of characters in place of `long`, and what is no JSON in place of `odd`."""
    if "odd" in fields:
        return {**fields, "odd": float("nan")}
    return {**fields, "long": "x" * fields["long"]} if "long" in fields else fields


def _text(value):
    return json.dumps(value, separators=(",", ":"))


def _result_of(uuid, spec):
    throws, code = spec.pop("throws", None), spec.pop("code", None)
    if throws is None:
        return Result(uuid=uuid, **{**spec, "retval": _long(spec.get("retval", {}))})
    raise Exception(throws) if code is None else OperationError(throws, code=code)
