import json
import os
import unittest

from kfbasicpy.avro import AvroError, Codec, SchemaError

with open(os.path.join(os.path.dirname(__file__), "avro-vectors.jsonl"), encoding="utf-8") as file:
    VECTORS = [json.loads(line) for line in file]

ITEM = {"type": "record", "name": "item", "fields": [{"name": "price", "type": "double"}]}
ORDER = {"type": "record", "name": "order", "fields": [{"name": "items", "type": {"type": "array", "items": ITEM}}]}


def record(*fields):
    return {"type": "record", "name": "r", "fields": [{"name": name, "type": type, **more} for name, type, more in fields]}


class VectorTest(unittest.TestCase):
    def test_encodes_and_decodes_as_avsc_does(self):
        for vector in VECTORS:
            codec = Codec(vector["schema"])
            for value, expected in vector["values"]:
                with self.subTest(schema=vector["schema"], value=str(value)[:40]):
                    self.assertEqual(codec.encode(value).hex(), expected)
                    self.assertEqual(codec.decode(bytes.fromhex(expected)), value)

    def test_keeps_bytes_fixed_and_64_bits(self):
        for schema, value in [
            ("bytes", b"\0\xff"),
            ({"type": "fixed", "name": "f", "size": 3}, b"abc"),
            ("long", 2**63 - 1),
            ("long", -(2**63)),
            ({"type": "bytes", "logicalType": "decimal", "precision": 4}, b"\1"),
        ]:
            codec = Codec(schema)
            self.assertEqual(codec.decode(codec.encode(value)), value)

    def test_reads_blocks_with_their_size_in_bytes(self):
        # A block of 2 items in 2 bytes, then the end.
        self.assertEqual(Codec({"type": "array", "items": "int"}).decode(bytes.fromhex("0304020400")), [1, 2])

    def test_keeps_long_text(self):
        codec = Codec("string")
        for size in (8191, 8192, 65536, 65537, 5 << 20):
            self.assertEqual(len(codec.decode(codec.encode("é" * size))), size)

    def test_reads_from_the_middle_of_a_frame(self):
        self.assertEqual(Codec("string").decode(b"??\x06abc!", 2, 6), "abc")


class UnionTest(unittest.TestCase):
    def branch(self, schema, value):
        return Codec(schema).encode(value)[0] >> 1

    def test_writes_the_first_branch_that_fits(self):
        self.assertEqual(self.branch(["null", "string"], "x"), 1)
        self.assertEqual(self.branch(["int", "long"], 2**40), 1)
        self.assertEqual(self.branch([{"type": "enum", "name": "e", "symbols": ["A"]}, "string"], "B"), 1)

    def test_writes_a_bool_as_boolean_and_a_whole_number_as_long(self):
        self.assertEqual(self.branch(["int", "boolean"], True), 1)
        self.assertEqual(self.branch(["double", "long"], 3), 1)
        self.assertEqual(self.branch(["null", "double"], 3), 1)

    def test_distinguishes_records_by_their_fields(self):
        a = {"type": "record", "name": "a", "fields": [{"name": "x", "type": "int"}]}
        b = {"type": "record", "name": "b", "fields": [{"name": "y", "type": "int"}]}
        self.assertEqual(self.branch([a, b], {"y": 1}), 1)
        with self.assertRaisesRegex(AvroError, r"fits no branch of the union: a \(x: missing.*; b \(y: expected int, got str"):
            Codec([a, b]).encode({"y": "1"})

    def test_names_the_branches_when_none_fits(self):
        with self.assertRaisesRegex(AvroError, "^v: expected null or double, got str \"x\"$"):
            Codec(record(("v", ["null", "double"], {}))).encode({"v": "x"})


class MisfitTest(unittest.TestCase):
    def misfit(self, schema, value):
        with self.assertRaises(AvroError) as caught:
            Codec(schema).encode(value)
        return str(caught.exception)

    def test_names_the_first_place_that_does_not_fit(self):
        order = {"items": [{"price": 1.0}, {"price": 2}, {"price": "x"}]}
        self.assertEqual(self.misfit(ORDER, order), 'items[2].price: expected double, got str "x"')
        self.assertEqual(self.misfit({"type": "map", "values": "int"}, {"k": True}), '["k"]: expected int, got bool True')
        self.assertEqual(self.misfit(ORDER, {"items": {}}), "items: expected array, got dict of 0")

    def test_rejects_missing_and_unknown_fields(self):
        schema = record(("a", "int", {}), ("b", "int", {}))
        self.assertEqual(self.misfit(schema, {"a": 1}), "b: missing, and the schema has no default")
        self.assertEqual(self.misfit(schema, {"a": 1, "b": 2, "c": 3}), "c: not a field of the record r")
        self.assertEqual(self.misfit(schema, {"a": 1, "c": 3}), "b: missing, and the schema has no default")
        self.assertEqual(self.misfit(ORDER, {"items": [{"price": 1, "tax": 2}]}), "items[0].tax: not a field of the record item")

    def test_rejects_numbers_beyond_their_range(self):
        self.assertIn("does not fit in 32 bits", self.misfit("int", 2**31))
        self.assertIn("does not fit in 64 bits", self.misfit("long", 2**63))
        self.assertIn("out of range", self.misfit("float", 1e39))
        self.assertIn("out of range", self.misfit("double", 10**400))

    def test_rejects_text_that_utf8_cannot_encode(self):
        self.assertIn("UTF-8", self.misfit("string", "\ud800"))

    def test_rejects_a_fixed_of_another_size(self):
        self.assertIn("expected 2 bytes (f)", self.misfit({"type": "fixed", "name": "f", "size": 2}, b"abc"))


class DefaultTest(unittest.TestCase):
    def test_fills_in_missing_fields(self):
        inner = {"type": "record", "name": "i", "fields": [{"name": "n", "type": "int", "default": 4}]}
        schema = record(
            ("a", ["null", "string"], {"default": None}),
            ("b", "bytes", {"default": "\u00ff"}),
            ("c", {"type": "array", "items": "int"}, {"default": [1]}),
            ("d", inner, {"default": {}}),
            ("e", "int", {}),
        )
        codec = Codec(schema)
        self.assertEqual(codec.decode(codec.encode({"e": 1})), {"a": None, "b": b"\xff", "c": [1], "d": {"n": 4}, "e": 1})

    def test_rejects_a_schema_whose_default_does_not_fit(self):
        with self.assertRaisesRegex(SchemaError, "r.a: the default does not fit: expected int, got str"):
            Codec(record(("a", "int", {"default": "x"})))


class BadInputTest(unittest.TestCase):
    def test_rejects_payloads_that_do_not_match_the_schema(self):
        for schema, payload in [
            ("string", b"\x06ab"),
            ("string", b"\x02ab"),
            ("long", b"\xff" * 11),
            ("double", b"\0"),
            ("boolean", b"\2"),
            (["null"], b"\4"),
            ("string", b"\x02\xff"),
            ("string", b"\1"),
            ({"type": "array", "items": "null"}, b"\xfe\xff\xff\xff\xff\x0f\0"),
        ]:
            with self.subTest(schema=schema, payload=payload), self.assertRaises(AvroError):
                Codec(schema).decode(payload)

    def test_rejects_schemas_that_are_not_valid(self):
        for schema in [
            "nothing",
            {"type": "record", "name": "r"},
            {"type": "enum", "name": "e", "symbols": []},
            {"type": "array"},
            {"type": "fixed", "name": "f"},
            ["int", "int"],
            "{",
            record(("a", "int", {}), ("a", "int", {})),
        ]:
            with self.subTest(schema=schema), self.assertRaises(SchemaError):
                Codec(schema)


if __name__ == "__main__":
    unittest.main()
