"""Results, encryption, metrics and spans of tasks."""

import base64
import json
import logging
import os
import tempfile
import unittest
import urllib.request
from importlib.util import find_spec

from kfbasicpy.tasks import Consumer, Message, NotFoundError, Operation, OperationError, OperationRegistry, Producer, Result, Task
from kfbasicpy.tasks.dummy_transport import DummyTransport
from kfbasicpy.tasks.metrics import PrometheusMetrics, use_metrics

FOLDER = os.path.join(os.path.dirname(__file__), "../../../test/fixtures/operations")
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def fixture(name):
    with open(os.path.join(FOLDER, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)


class Login(Task):
    def run(self):
        return Result(uuid=self.uuid, retval={"user": "ada", "password": "p", "nested": {"apiToken": "t", "n": 1}})


class Failing(Task):
    def run(self):
        raise Exception("no entry")


class Visit(Operation):
    def build_tasks(self, **kwargs):
        return [Login(), Failing()]


class QuietTest(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)


class ResultTest(unittest.TestCase):
    def test_a_lookup_finds_one_value_or_a_list_of_them_or_the_default(self):
        cases = fixture("results")
        result = Result(retval=cases["retval"])
        for case in cases["lookups"]:
            with self.subTest(case["path"]):
                if "found" in case:
                    self.assertEqual(result.search_value(case["path"]), case["found"])
                else:
                    self.assertEqual(result.search_value(case["path"], "none"), "none")
                    with self.assertRaises(NotFoundError):
                        result.search_value(case["path"])

    def test_a_newer_result_is_folded_into_an_older_one(self):
        for case in fixture("results")["folds"]:
            folded = Result.from_json(case["old"]) + Result.from_json(case["newer"])
            self.assertEqual(folded.to_json(), case["folded"])

    def test_a_result_is_written_as_its_text_that_of_its_error_if_it_failed(self):
        self.assertEqual(str(Result(stdout="out", stderr="err")), "out")
        self.assertEqual(str(Result(retcode=1, stdout="out", stderr="err")), "err")

    def test_a_uuid_in_the_extra_of_an_error_is_that_of_its_result(self):
        self.assertEqual(Result.from_exception(OperationError("no", extra={"uuid": "own"}), "other").uuid, "own")
        self.assertEqual(Result.from_exception(Exception("no"), "other").uuid, "other")

    def test_a_text_that_is_no_path_and_a_code_0_are_refused(self):
        with self.assertRaisesRegex(ValueError, r"a\[: no path at character 2"):
            Result().search_value("a[")
        with self.assertRaisesRegex(ValueError, "code 0 means success"):
            OperationError("no", code=0)


class RegistryTest(QuietTest):
    def test_an_application_of_any_kind_is_kept_and_loads_the_tasks(self):
        loaded = []

        class Registry(OperationRegistry):
            def load_tasks(self):
                loaded.append(self.app)

        registry = Registry()
        registry.init_app("an app")
        self.assertEqual(loaded, ["an app"])
        self.assertEqual(Registry(app="another").app, "another")
        self.assertIs(registry.subscribe(Login), Login)
        self.assertEqual(Login.path, "tests.test_operation_parts.Login")

    def test_the_deprecated_new_makes_an_operation_of_checked_parameters(self):
        class Priced(Visit):
            REQUIRED_FIELDS = ["price"]

        self.assertEqual(Priced.new(price=3).params, {"price": 3})
        with self.assertRaisesRegex(OperationError, "Missing parameter: price for tests.test_operation_parts.Priced"):
            Priced.new()


@unittest.skipUnless(find_spec("nacl"), "needs PyNaCl")
class EncryptionTest(QuietTest):
    def setUp(self):
        super().setUp()
        self.case = fixture("secretbox")
        self.config = {"KFLOW_SECRETBOX_KEY": self.case["key"]}

    def test_ks_25_an_envelope_of_libsodium_is_opened_and_what_is_sealed_here_has_the_same_form(self):
        from kfbasicpy.tasks.crypto import Secretbox

        box = Secretbox(self.case["key"])
        self.assertEqual(box.decrypt(json.dumps(self.case["envelope"]).encode()).decode(), self.case["text"])
        sealed = box.encrypt(self.case["text"].encode())
        self.assertEqual(list(json.loads(sealed)), ["data", "nonce"])
        self.assertEqual(box.decrypt(sealed).decode(), self.case["text"])

    def test_ks_25_what_is_sent_has_neither_entrypoint_nor_parameters_in_its_bytes(self):
        transport = DummyTransport()
        producer = Producer(self.config, transport=transport)
        message = Message.loads(self.case["text"])
        producer.send("work", message)
        producer.bulk_send("work", [message, message])
        sent = transport.waiting("work")
        self.assertEqual(len(sent), 3)
        for each in sent:
            self.assertNotRegex(each, rb"m\.C|4111|params")

    def test_ks_25_a_message_of_another_key_is_logged_and_the_consumer_goes_on(self):
        transport = DummyTransport()
        registry = OperationRegistry()
        registry.subscribe(Login)
        other = {"KFLOW_SECRETBOX_KEY": base64.b64encode(bytes(32)).decode()}
        Producer(other, transport=transport).send("work", Message("u1", Login.path))
        Producer(self.config, transport=transport).send("work", Message("u2", Login.path))
        logging.disable(logging.NOTSET)
        with tempfile.TemporaryDirectory() as folder, self.assertLogs("kfbasicpy.tasks", logging.ERROR) as logs:
            consumer = Consumer("work", {**self.config, "KFLOW_LOCK_PATH": folder}, transport=transport)
            consumer.REGISTRY = registry.controller
            self.assertTrue(consumer.run_next() and consumer.run_next())
        self.assertRegex(logs.output[0], "Controller.ImportError: message: cannot be decrypted")
        self.assertEqual(len(transport.results["work"]), 1)

    def test_a_key_of_another_length_is_refused(self):
        for key in ("AAAA", "not base64"):
            with self.assertRaisesRegex(ValueError, "KFLOW_SECRETBOX_KEY: want 32 bytes in base64"):
                Producer({"KFLOW_SECRETBOX_KEY": key}, transport=DummyTransport())


@unittest.skipUnless(find_spec("prometheus_client"), "needs prometheus-client")
class MetricsTest(QuietTest):
    def test_ks_26_the_page_has_the_tasks_that_were_started_and_how_they_ended(self):
        metrics = PrometheusMetrics("127.0.0.1", 0)
        self.addCleanup(metrics.close)
        use_metrics(metrics)
        Visit.build().execute()
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics") as answer:
            page = answer.read().decode()
        name = "tests.test_operation_parts"
        self.assertIn(f'kflow_task_count{{name="{name}.Login"}} 1.0', page)
        self.assertRegex(page, rf'kflow_task_result_total{{hostname=".+",name="{name}.Login",status="SUCCESS"}} 1.0')
        self.assertRegex(page, rf'kflow_task_result_total{{hostname=".+",name="{name}.Failing",status="FAILED"}} 1.0')
        self.assertNotIn("Visit", page)


class TraceTest(QuietTest):
    def test_ks_28_a_trace_begins_with_an_operation_and_is_passed_on(self):
        operation = Visit.build()
        operation.execute()
        traces = {task.metadata["traceparent"] for task in operation.tasks}
        self.assertEqual(traces, {operation.metadata["traceparent"]})
        self.assertRegex(traces.pop(), "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")

    @unittest.skipUnless(find_spec("opentelemetry"), "needs opentelemetry-sdk")
    def test_ks_28_the_spans_of_tasks_are_children_of_that_of_their_operation_without_secrets(self):
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        Visit(uuid="o1", metadata={"traceparent": CALLER}).execute()
        login, failing, operation = exporter.get_finished_spans()
        self.assertEqual(f"{operation.parent.trace_id:032x}-{operation.parent.span_id:016x}", CALLER[3:52])
        self.assertEqual(operation.attributes["result.retcode"], 500)
        for task in (login, failing):
            self.assertEqual(task.parent.span_id, operation.context.span_id)
        self.assertEqual(login.attributes["result.retval.nested.n"], 1)
        for span in (login, failing, operation):
            self.assertNotRegex(" ".join(span.attributes), "password|apiToken")
