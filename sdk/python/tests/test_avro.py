import json
import math
import os
import unittest

from kfbasicpy.avro import AvroError, Codec, SchemaError
from tests.schemas import record

with open(os.path.join(os.path.dirname(__file__), "avro-vectors.jsonl"), encoding="utf-8") as file:
    VECTORS = [json.loads(line) for line in file]

ITEM = {"type": "record", "name": "item", "fields": [{"name": "price", "type": "double"}]}
ORDER = {"type": "record", "name": "order", "fields": [{"name": "items", "type": {"type": "array", "items": ITEM}}]}


class VectorTest(unittest.TestCase):
    def test_encodes_and_decodes_as_recorded(self):
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
        self.assertIn("does not fit in 64 bits", self.misfit("long", 10**5000))
        self.assertIn("out of range", self.misfit("float", 1e39))
        self.assertIn("out of range", self.misfit("float", -3.4028235677973366e38))
        self.assertIn("out of range", self.misfit("double", 10**400))

    def test_rejects_integers_that_a_real_would_round(self):
        for kind, number in (("float", 2**24 + 1), ("double", 2**53 + 1), ("double", -(2**63) + 1)):
            self.assertIn("which it cannot hold exactly; use float(value)", self.misfit(kind, number))
        for kind, number in (("float", 2**24), ("double", 2**53), ("double", 2**63)):
            self.assertEqual(Codec(kind).decode(Codec(kind).encode(number)), number)

    def test_keeps_not_a_number_and_the_infinities(self):
        for kind in ("float", "double"):
            codec = Codec(kind)
            self.assertTrue(math.isnan(codec.decode(codec.encode(math.nan))))
            self.assertEqual([codec.decode(codec.encode(each)) for each in (math.inf, -math.inf)], [math.inf, -math.inf])
            self.assertEqual(math.copysign(1, codec.decode(codec.encode(-0.0))), -1)

    def test_rejects_half_a_surrogate_pair_in_text_and_in_keys(self):
        self.assertEqual(
            self.misfit("string", "ab\ud83d"),
            "expected string, got text with half a surrogate pair, U+D83D at 2, which UTF-8 cannot encode",
        )
        self.assertIn('["\\udc00"]: expected string, got text with half', self.misfit({"type": "map", "values": "int"}, {"\udc00": 1}))
        # A message is itself text that UTF-8 can encode.
        self.misfit("int", "\ud800").encode()
        self.misfit(record(("a", "int", {})), {"a": 1, "\ud800": 2}).encode("utf-8", "backslashreplace")

    def test_names_a_key_of_a_map_that_is_no_text(self):
        self.assertEqual(self.misfit({"type": "map", "values": "int"}, {3: 1}), "[int 3]: expected string, got int 3")

    def test_never_fails_on_a_value_that_cannot_be_shown(self):
        class Hostile:
            def __repr__(self):
                raise ValueError("no")

            def __getattr__(self, name):
                raise OSError(name)

        for schema in ("int", "string", record(), {"type": "array", "items": "int"}, ["null", "int"], {"type": "map", "values": "int"}):
            self.assertIn("Hostile", self.misfit(schema, Hostile()))

    def test_rejects_a_fixed_of_another_size(self):
        self.assertIn("expected 2 bytes (f)", self.misfit({"type": "fixed", "name": "f", "size": 2}, b"abc"))


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
            ("string", b"\xfe\xff\xff\xff\x0fab"),
            ("bytes", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01ab"),
            ("bytes", b"\1"),
            (record(("a", "bytes", {}), ("b", "double", {})), b"\xfe" + b"\xff" * 8 + b"\x01" + b"\0" * 9),
            (record(("a", "string", {}), ("b", "float", {})), b"\xfe" + b"\xff" * 8 + b"\x01" + b"\0" * 9),
            ({"type": "fixed", "name": "f", "size": 8}, b"abc"),
            ({"type": "enum", "name": "e", "symbols": ["A"]}, b"\1"),
            ({"type": "array", "items": "int"}, b"\x80\x80\x80\x80\x01"),
            ({"type": "array", "items": "int"}, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\2\2\0"),
            ({"type": "map", "values": "int"}, b"\x80\x80\x80\x80\x01"),
            ("long", b"\x80" * 100_000),
        ]:
            with self.subTest(schema=schema, payload=payload), self.assertRaises(AvroError):
                Codec(schema).decode(payload)

    def test_bounds_the_items_that_take_no_bytes(self):
        empty = record()
        for items in ("null", empty, record(("a", "null", {}), ("b", {"type": "fixed", "name": "z", "size": 0}, {}))):
            codec = Codec({"type": "array", "items": items})
            for bomb in (b"\xfe\xff\xff\xff\xff\x0f\0", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0"):
                with self.assertRaisesRegex(AvroError, "more than 1,000,000 items that take no bytes"):
                    codec.decode(bomb)
        nested = Codec({"type": "array", "items": {"type": "array", "items": "null"}})
        half = b"\xc0\x84\x3d\0"  # 500,000 items
        self.assertEqual([len(each) for each in nested.decode(b"\4" + half + half + b"\0")], [500_000, 500_000])
        with self.assertRaisesRegex(AvroError, "more than 1,000,000 items"):
            nested.decode(b"\6" + half + half + half + b"\0")
        self.assertEqual(nested.decode(b"\2" + half + b"\0"), [[None] * 500_000])
        with self.assertRaisesRegex(AvroError, "more than 1,000,000 items"):
            nested.encode([[None] * 600_000] * 2)

    def test_rejects_schemas_that_are_not_valid(self):
        for schema in [
            "nothing",
            {"type": "record", "name": "r"},
            {"type": "enum", "name": "e", "symbols": []},
            {"type": "array"},
            {"type": "fixed", "name": "f"},
            ["int", "int"],
            [],
            [["int"]],
            "{",
            "[" * 100_000,
            {"type": {"type": "string"}},
            {"type": "record", "name": "int", "fields": []},
            {"type": "record", "name": "a-b", "fields": []},
            {"type": "record", "name": "a", "namespace": "1x", "fields": []},
            {"type": "record", "name": "a..b", "fields": []},
            {"type": "enum", "name": "e", "symbols": ["A", "A"]},
            {"type": "enum", "name": "e", "symbols": ["A-B"]},
            {"type": "enum", "name": "e", "symbols": ["A"], "default": "B"},
            {"type": "fixed", "name": "f", "size": -1},
            {"type": "fixed", "name": "f", "size": True},
            record(("a-b", "int", {})),
            record(("a", "int", {"order": "up"})),
            record(("a", "int", {"aliases": "b"})),
            record(("a", "int", {"aliases": ["b-c"]})),
            {"type": "record", "name": "a", "namespace": 1, "fields": []},
            '{"type": "record", "name": "r", "fields": [{"name": "a", "type": "double", "default": NaN}]}',
            json.loads('{"type": "array", "items": ' * 200 + '"int"' + "}" * 200),
            record(("a", "int", {}), ("a", "int", {})),
        ]:
            with self.subTest(schema=schema), self.assertRaises(SchemaError):
                Codec(schema)


if __name__ == "__main__":
    unittest.main()
