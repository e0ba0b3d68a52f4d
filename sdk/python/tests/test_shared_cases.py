"""Reads the cases that TypeScript and Python share: test/fixtures/avro in the repository."""

import json
import os
import unittest

from kfbasicpy.avro import AvroError, Codec, SchemaError
from tests.exact_values import same, value_of

FOLDER = os.path.join(os.path.dirname(__file__), "../../../test/fixtures/avro")


def cases(name):
    with open(os.path.join(FOLDER, f"{name}.json"), encoding="utf-8") as file:
        return [case for case in json.load(file) if case.get("in", "python") == "python"]


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

    def test_reads_values_of_logical_types_and_writes_them_back(self):
        def check(case):
            codec, payload = Codec(case["schema"], logical_types=True), bytes.fromhex(case["bytes"])
            if "says" in case:
                with self.assertRaises(AvroError) as caught:
                    codec.decode(payload)
                return self.assert_says(case, caught.exception)
            expected = value_of(case["python"] if "python" in case else case["native"])
            found = codec.decode(payload)
            self.assertTrue(same(found, expected), f"{found!r}, expected {expected!r}")
            written = codec.encode(found)
            self.assertEqual(written.hex(), case.get("written", case["bytes"]))
            self.assertTrue(same(codec.decode(written), found))

        self.check_each("logical", check)

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
