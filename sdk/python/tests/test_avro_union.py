import collections
import enum
import math
import types
import unittest

from kfbasicpy.avro import AvroError, Codec
from tests.schemas import record

A = {"type": "record", "name": "a", "fields": [{"name": "x", "type": "int"}]}
E = {"type": "enum", "name": "e", "symbols": ["A"]}


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
        with self.assertRaisesRegex(AvroError, r"fits no branch of the union: record a \(x: missing.*; record b \(y: expected int, got str"):
            Codec([a, b]).encode({"y": "1"})

    def test_names_the_branches_when_none_fits(self):
        with self.assertRaisesRegex(AvroError, "^v: expected null or double, got str \"x\"$"):
            Codec(record(("v", ["null", "double"], {}))).encode({"v": "x"})

    def test_writes_a_fraction_where_it_is_held_exactly(self):
        for schema, value, branch in [
            (["null", "float", "double"], 0.5, 1),
            (["null", "float", "double"], 0.1, 2),
            (["null", "float", "double"], 1234567.891, 2),
            (["null", "float", "double"], 1e39, 2),
            (["null", "float", "double"], math.nan, 1),
            (["null", "float", "double"], -math.inf, 1),
            (["double", "float"], 0.5, 0),
            (["null", "float"], 0.1, 1),
            (["long", "double"], 3.0, 1),
            (["float", "long"], 2**40, 1),
            (["int", "double"], 2**53, 1),
            (["int", "float", "double"], 2**31 + 1, 2),
        ]:
            with self.subTest(schema=schema, value=value):
                codec = Codec(schema)
                payload = codec.encode(value)
                self.assertEqual(payload[0] >> 1, branch)
                if schema != ["null", "float"] and value == value:
                    self.assertEqual(codec.decode(payload), value)

    def test_does_not_round_an_integer_that_no_branch_holds(self):
        for schema, value in ((["null", "double"], 2**53 + 1), (["int", "float"], 2**31 + 1), (["null", "long"], 2**64), (["null", "long"], 3.0)):
            with self.subTest(schema=schema, value=value), self.assertRaises(AvroError):
                Codec(schema).encode(value)

    def test_prefers_a_record_that_fits_to_a_map(self):
        schema = [{"type": "map", "values": "int"}, A]
        self.assertEqual(self.branch(schema, {"x": 1}), 1)
        self.assertEqual(self.branch(schema, {"y": 1}), 0)
        deep = [{"type": "map", "values": A}, {"type": "record", "name": "b", "fields": [{"name": "k", "type": "a"}]}]
        self.assertEqual(self.branch([deep[0], deep[1]], {"k": {"x": 1}}), 1)
        self.assertEqual(self.branch([deep[0], deep[1]], {"m": {"x": 1}}), 0)

    def test_rejects_a_value_wrapped_in_the_name_of_its_branch(self):
        for schema, value in [
            (["null", "double"], {"double": 1.5}),
            (["null", A], {"a": {"x": 1}}),
            (["null", {**A, "name": "n.a"}], {"a": {"x": 1}}),
            (["null", {**A, "name": "n.a"}], {"n.a": {"x": 1}}),
            (["null", {"type": "array", "items": "int"}], {"array": [1]}),
            ([A, {"type": "map", "values": "int"}], {"a": {"x": 1}}),
        ]:
            name = next(iter(value))
            with self.subTest(schema=schema, value=value), self.assertRaisesRegex(
                AvroError, f'; values of unions are plain: use the value of "{name}" itself$'
            ):
                Codec(record(("f", schema, {}))).encode({"f": value})
        # A field and a key that have the name of a branch are no wrapping.
        self.assertEqual(self.branch(["null", {"type": "map", "values": "double"}, "double"], {"double": 1.5}), 1)
        self.assertEqual(self.branch(["null", record(("long", "long", {})), "long"], {"long": 1}), 1)
        with self.assertRaises(AvroError) as caught:
            Codec(["null", record(("long", "long", {})), "long"]).encode({"long": "x"})
        self.assertNotIn("plain", str(caught.exception))

    def test_does_not_try_look_alikes_within_look_alikes_again(self):
        def chain(name, last):
            fields = [("next", ["null", "a.L", "b.L"], {}), ("x", last, {})]
            return {**record(*fields), "name": name}

        a = chain("a.L", "int")
        a["fields"][0]["type"][2] = chain("b.L", "string")
        value = None
        for depth in range(200):
            value = {"next": value, "x": "end"}
        codec = Codec(["null", a, "b.L"])
        # Each level tries a.L first, which fails only after everything below it: 2 to the power of 200 trials.
        self.assertEqual(codec.decode(codec.encode(value)), value)
        with self.assertRaises(AvroError) as caught:
            codec.encode({"next": value, "x": 1.5})
        self.assertLess(len(str(caught.exception)), 5000)

    def test_takes_the_same_object_at_two_places(self):
        b = {"type": "record", "name": "b", "fields": [{"name": "x", "type": "string"}]}
        codec = Codec({"type": "array", "items": [A, b]})
        one, other = {"x": 1}, {"x": "s"}
        self.assertEqual(codec.decode(codec.encode([one, other, one, other])), [one, other, one, other])

    def test_takes_subclasses_and_other_mappings_for_what_they_are(self):
        class Text(str):
            pass

        class Number(enum.IntEnum):
            ONE = 1

        Point = collections.namedtuple("Point", "x")
        schema = ["null", "boolean", "long", "double", "string", "bytes", {"type": "array", "items": "int"}, A]
        for value, branch, plain in [
            (Text("t"), 4, "t"),
            (Number.ONE, 2, 1),
            (bytearray(b"b"), 5, b"b"),
            (memoryview(b"b"), 5, b"b"),
            ((1, 2), 6, [1, 2]),
            (collections.OrderedDict(x=1), 7, {"x": 1}),
            (types.MappingProxyType({"x": 1}), 7, {"x": 1}),
            (collections.UserDict(x=1), 7, {"x": 1}),
        ]:
            with self.subTest(value=value):
                payload = Codec(schema).encode(value)
                self.assertEqual((payload[0] >> 1, Codec(schema).decode(payload)), (branch, plain))
        with self.assertRaisesRegex(AvroError, r"got Point Point\(x=1\); use ._asdict\(\)"):
            Codec(schema).encode(Point(1))


if __name__ == "__main__":
    unittest.main()
