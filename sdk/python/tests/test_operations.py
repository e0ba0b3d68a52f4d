"""The cases of tasks and operations that TypeScript and Python share: test/fixtures/operations in the repository."""

import json
import os
import unittest

from tests.operation_case import CaseRun

FILE = os.path.join(os.path.dirname(__file__), "../../../test/fixtures/operations/cases.json")


class SharedOperationCasesTest(unittest.TestCase):
    def test_each_case(self):
        with open(FILE, encoding="utf-8") as file:
            cases = json.load(file)
        self.assertGreater(len(cases), 20)
        for case in cases:
            with self.subTest(case=case["name"]):
                self.check(case)

    def check(self, case):
        run = CaseRun(case)
        run.run()
        expected = dict(case["expect"])
        for at, result in enumerate(expected.pop("results", ())):
            self.check_result(run.results[at], dict(result))
        uuid = run.results[0].uuid if run.results else ""
        lines = [line.replace("$uuid", uuid) for line in expected.pop("logs", ())]
        self.assertEqual(_not_in_order(run.logs, lines), [], run.logs)
        raw = expected.pop("raw", [])
        self.assertEqual(run.raw[: len(raw)], raw)
        for name, value in expected.items():
            seen = getattr(run, name)
            if name in ("data", "events", "inputs", "metrics"):
                seen = _within(seen, value)
            self.assertEqual(seen, value, name)

    def check_result(self, result, expected):
        error = result.retval.get("error", {})
        if expected.pop("hasStack", False):
            self.assertIn("\n", error["stack"])
        if expected.pop("isNewUuid", False):
            self.assertRegex(result.uuid, r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$")
        self.assertIn(expected.pop("says", ""), result.stderr)
        about = expected.pop("error", {})
        self.assertEqual(_within(error, about), about)
        self.assertEqual(_within(result.to_json(), expected), expected)


def _within(value, expected):
    """The part of a value that is expected."""
    if isinstance(expected, dict) and isinstance(value, dict):
        return {key: _within(value[key], expected[key]) for key in expected if key in value}
    if isinstance(expected, list) and isinstance(value, list) and len(value) == len(expected):
        return [_within(each, expected[at]) for at, each in enumerate(value)]
    return value


def _not_in_order(lines, wanted):
    """The lines that are missing, or not in this order. A line may go on."""
    left = list(wanted)
    for line in lines:
        if left and line.startswith(left[0]):
            left.pop(0)
    return left
