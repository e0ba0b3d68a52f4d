import unittest

from kfbasicpy.avro import Codec, SchemaError
from tests.schemas import named_q, record


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

    def test_takes_a_default_of_a_union_for_the_first_branch_that_it_fits(self):
        for schema, default, expected in [
            (["null", "long", "double"], 3, 3),
            (["null", "long", "double"], 1.5, 1.5),
            (["string", "null"], None, None),
            (["int", "long"], 2**40, 2**40),
            (["bytes", "string"], "\u00ff", b"\xff"),
            (["bytes", "string"], "\u0100", "\u0100"),
            ([{"type": "enum", "name": "e", "symbols": ["A"]}, "string"], "B", "B"),
            ([{"type": "map", "values": "int"}, named_q(("x", "int", {"default": 1}))], {}, {}),
            ([named_q(("x", "int", {"default": 1})), {"type": "map", "values": "int"}], {}, {"x": 1}),
            (["double", "long"], 3, 3.0),
        ]:
            codec = Codec(record(("a", schema, {"default": default})))
            found = codec.decode(codec.encode({}))
            self.assertEqual((found, type(found["a"])), ({"a": expected}, type(expected)))

    def test_takes_defaults_of_all_64_bits_and_bytes_within_others(self):
        schema = record(
            ("a", "long", {"default": 2**63 - 1}),
            ("b", "long", {"default": -(2**63)}),
            ("c", {"type": "map", "values": "bytes"}, {"default": {"k": "\u0080"}}),
            ("d", named_q(("x", "bytes", {}), ("y", "bytes", {"default": "\u00fe"})), {"default": {"x": "\u00ff"}}),
        )
        expected = {"a": 2**63 - 1, "b": -(2**63), "c": {"k": b"\x80"}, "d": {"x": b"\xff", "y": b"\xfe"}}
        self.assertEqual(Codec(schema).decode(Codec(schema).encode({})), expected)

    def test_rejects_a_schema_whose_default_does_not_fit(self):
        with self.assertRaisesRegex(SchemaError, "r.a: the default does not fit: expected int, got str"):
            Codec(record(("a", "int", {"default": "x"})))
        for type, default in [
            ("int", 2**31),
            ("long", 2**63),
            ("long", 1.5),
            ("float", 1e39),
            ("string", "\ud800"),
            ("boolean", 0),
            ("double", True),
            ("bytes", "\u0100"),
            ({"type": "fixed", "name": "f", "size": 2}, "abc"),
            ({"type": "enum", "name": "e", "symbols": ["A"]}, "B"),
            ({"type": "array", "items": "int"}, ["x"]),
            (["null", "int"], "x"),
            (named_q(("x", "int", {})), {}),
        ]:
            with self.subTest(type=type, default=default), self.assertRaisesRegex(SchemaError, "r.a: the default does not fit"):
                Codec(record(("a", type, {"default": default})))

    def test_rejects_a_default_that_contains_itself_or_stands_for_too_much(self):
        itself = {**record(("next", "L", {"default": {}})), "name": "L"}
        with self.assertRaisesRegex(SchemaError, "L.next: the default does not fit: next: the default contains itself"):
            Codec(itself)
        levels = [named_q(("x", "int", {"default": 1}))]
        for level in range(20):
            inner = {**levels[-1], "name": f"q{level}"}
            fields = [("a", inner, {"default": {}}), ("b", f"q{level}", {"default": {}})]
            levels.append(record(*fields))
        with self.assertRaisesRegex(SchemaError, "stands for more than 10,000 values"):
            Codec(levels[-1])


if __name__ == "__main__":
    unittest.main()
