"""Reads the cases that TypeScript and Python share: test/fixtures/avro in the repository."""

import datetime
import json
import math
import os
import unittest

from kfbasicpy.avro import AvroError, Codec, SchemaError

FOLDER = os.path.join(os.path.dirname(__file__), "../../../test/fixtures/avro")


def cases(name):
    with open(os.path.join(FOLDER, f"{name}.json"), encoding="utf-8") as file:
        return [case for case in json.load(file) if case.get("in", "python") == "python"]


def value_of(json_value):
    """The value that a case writes as JSON."""
    if isinstance(json_value, list):
        return [value_of(item) for item in json_value]
    if not isinstance(json_value, dict):
        return json_value
    form = next(iter(json_value), "")
    if not form.startswith("$"):
        return {key: value_of(item) for key, item in json_value.items()}
    return FORMS[form](json_value[form], json_value)


def text_of(units, _):
    return bytes.fromhex(units).decode("utf-16-be", "surrogatepass")


def entries_of(entries, _):
    return {value_of(key): value_of(value) for key, value in entries}


def nest(count, form):
    value = value_of(form["end"])
    for _ in range(count):
        value = {**value_of(form["of"]), form["key"]: value}
    return value


FORMS = {
    "$long": lambda text, _: int(text),
    "$bytes": lambda text, _: bytes.fromhex(text),
    "$number": lambda text, _: float(text),
    "$text": text_of,
    "$map": entries_of,
    "$record": entries_of,
    "$instant": lambda text, _: datetime.datetime.fromisoformat(text.replace("Z", "+00:00")),
    "$day": lambda text, _: datetime.date.fromisoformat(text),
    "$nest": nest,
}


def same(one, other):
    """Equal, and of the same class throughout, except that the text of a whole number may be a float's."""
    if isinstance(one, float) and isinstance(other, (int, float)):
        return (math.isnan(one) and math.isnan(other)) or (one == other and math.copysign(1, one) == math.copysign(1, other))
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


class SharedCasesTest(unittest.TestCase):
    def check_each(self, name, check):
        found = cases(name)
        self.assertGreater(len(found), 5)
        for case in found:
            with self.subTest(file=name, case=case["name"]):
                check(case)

    def assert_says(self, case, error):
        for text in case.get("says", ()):
            self.assertIn(text, str(error))

    def test_compiles_the_valid_schemas(self):
        self.check_each("schemas-valid", lambda case: Codec(case["schema"]))

    def test_refuses_the_invalid_schemas(self):
        def check(case):
            with self.assertRaises(SchemaError) as caught:
                Codec(case["schema"])
            self.assert_says(case, caught.exception)

        self.check_each("schemas-invalid", check)

    def test_writes_and_reads_the_values(self):
        def check(case):
            codec, value = Codec(case["schema"]), value_of(case["value"])
            payload = codec.encode(value)
            self.assertEqual(payload.hex(), case.get("bytes", payload.hex()))
            read = value_of(case["read"]) if "read" in case else value
            found = codec.decode(payload)
            self.assertTrue(same(found, read), f"{found!r}, expected {read!r}"[:500])

        self.check_each("values", check)

    def test_refuses_values(self):
        def check(case):
            with self.assertRaises(AvroError) as caught:
                Codec(case["schema"]).encode(value_of(case["value"]))
            self.assert_says(case, caught.exception)

        self.check_each("refused", check)

    def test_refuses_malformed_payloads(self):
        def check(case):
            with self.assertRaises(AvroError):
                Codec(case["schema"]).decode(bytes.fromhex(case["bytes"]))

        self.check_each("malformed", check)


if __name__ == "__main__":
    unittest.main()
