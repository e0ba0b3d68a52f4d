import collections
import dataclasses
import datetime
import enum
import unittest
from pathlib import Path

from kfbasicpy.avro import AvroError, Codec
from tests.schemas import named_q, record

try:
    import numpy
    import pandas
except ImportError:
    numpy = pandas = None

LONGS = {"type": "array", "items": "long"}
STAMP = {"type": "long", "logicalType": "timestamp-nanos"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-nanos"}


def misfit(schema, value):
    try:
        Codec(record(("f", schema, {}))).encode({"f": value})
    except AvroError as error:
        return str(error)
    raise AssertionError(f"{value!r} was encoded")


class PlainTest(unittest.TestCase):
    def test_refuses_a_bool_as_a_number_and_a_number_as_a_bool(self):
        for schema, value in (("int", True), ("long", False), ("double", True), ("boolean", 1), ("boolean", 0.0), (["null", "int"], True)):
            with self.subTest(schema=schema, value=value):
                self.assertIn(f"got {type(value).__name__} {value}", misfit(schema, value))

    def test_takes_subclasses_of_int_and_str(self):
        class Number(enum.IntEnum):
            TWO = 2

        class Flag(enum.IntFlag):
            A = 1
            B = 2

        class Color(str, enum.Enum):
            RED = "red"

        self.assertEqual(Codec("long").decode(Codec("long").encode(Number.TWO)), 2)
        self.assertEqual(Codec("int").decode(Codec("int").encode(Flag.A | Flag.B)), 3)
        self.assertEqual(Codec("double").decode(Codec("double").encode(Number.TWO)), 2.0)
        self.assertEqual(Codec("string").decode(Codec("string").encode(Color.RED)), "red")
        symbols = {"type": "enum", "name": "e", "symbols": ["red"]}
        self.assertEqual(Codec(symbols).encode(Color.RED), b"\0")
        self.assertEqual(Codec(["null", symbols]).encode(Color.RED), b"\2\0")

    def test_names_the_remedy_for_a_member_of_an_enum(self):
        class Color(enum.Enum):
            RED = "red"
            BLUE = 1

        symbols = {"type": "enum", "name": "e", "symbols": ["red", "BLUE"]}
        self.assertRegex(misfit(symbols, Color.RED), r"expected one of red, BLUE \(e\), got Color .*; use .value$")
        self.assertRegex(misfit(symbols, Color.BLUE), "; use .name$")
        self.assertRegex(misfit("string", Color.RED), "; use .value$")

    def test_does_not_take_a_missing_key_of_a_defaultdict_for_a_value(self):
        schema = record(("a", "int", {}), ("b", "int", {}))
        value = collections.defaultdict(int, a=1, c=2)
        with self.assertRaisesRegex(AvroError, "^b: missing"):
            Codec(schema).encode(value)
        self.assertEqual(dict(value), {"a": 1, "c": 2})

    def test_names_the_remedy_for_what_is_no_array(self):
        for value in ((x for x in [1]), {1, 2}, range(3), iter([1]), map(int, "1"), collections.deque([1]), {}.keys()):
            with self.subTest(value=value):
                self.assertRegex(misfit(LONGS, value), rf"^f: expected array, got {type(value).__name__}.*; use list\(value\)$")

    def test_takes_instances_of_dataclasses_for_records(self):
        @dataclasses.dataclass
        class Point:
            x: int

        @dataclasses.dataclass
        class Line:
            points: list

        point = record(("x", "int", {}))
        codec = Codec(named_q(("points", {"type": "array", "items": point}, {})))
        self.assertEqual(codec.decode(codec.encode(Line([Point(1), Point(2)]))), {"points": [{"x": 1}, {"x": 2}]})
        union = Codec(["null", {"type": "map", "values": "int"}, point])
        self.assertEqual(union.encode(Point(3)), b"\4\6")
        self.assertIn("dataclasses.asdict(value)", misfit(["null", {"type": "map", "values": "int"}], Point(3)))
        self.assertIn("expected int", misfit("int", Point(3)))

    def test_names_the_remedy_for_what_is_no_record(self):
        @dataclasses.dataclass
        class Point:
            x: int

        class Plain:
            def __init__(self):
                self.x = 1

        self.assertRegex(misfit({"type": "map", "values": "int"}, Point(1)), r"; use dataclasses.asdict\(value\)$")
        self.assertRegex(misfit(named_q(), collections.namedtuple("P", "x")(1)), r"got P P\(x=1\); use ._asdict\(\)$")
        self.assertRegex(misfit({"type": "map", "values": "int"}, Plain()), r"; use a dict, as in vars\(value\)$")

    def test_names_the_remedy_for_text_and_bytes(self):
        self.assertEqual(misfit("bytes", "text"), 'f: expected bytes, got str "text"; use .encode()')
        self.assertEqual(misfit("string", b"text"), "f: expected string, got bytes of 4; use .decode()")
        self.assertRegex(misfit("string", Path("/tmp")), r"got PosixPath .*; use str\(value\)$")
        self.assertEqual(misfit("long", 3.0), "f: expected long, got float 3.0; use int(value) or round(value)")
        self.assertEqual(misfit("long", float("nan")), "f: expected long, got float nan")


@unittest.skipIf(numpy is None, "numpy and pandas are not installed")
class NumpyTest(unittest.TestCase):
    def both_ways(self, schema, value):
        return Codec(schema).decode(Codec(schema).encode(value))

    def test_takes_scalars_for_their_python_values(self):
        for schema, value, expected in [
            ("long", numpy.array([1, 2, 3]).sum(), 6),
            ("int", numpy.uint8(200), 200),
            ("long", numpy.int64(-(2**63)), -(2**63)),
            ("long", numpy.array(7), 7),
            ("double", numpy.float64(1.5), 1.5),
            ("double", numpy.float32(0.1), float(numpy.float32(0.1))),
            ("float", numpy.float32(0.1), float(numpy.float32(0.1))),
            ("double", numpy.int32(3), 3.0),
            ("boolean", numpy.bool_(True), True),
            ("string", numpy.str_("s"), "s"),
            ("bytes", numpy.bytes_(b"s"), b"s"),
            (["null", "long", "double"], numpy.int16(3), 3),
            (["null", "long", "double"], numpy.float32(0.5), 0.5),
            (["int", "boolean"], numpy.bool_(False), False),
            ({"type": "map", "values": "long"}, {numpy.str_("k"): numpy.int64(1)}, {"k": 1}),
            ("long", pandas.Series([1, 2]).sum(), 3),
            ("double", pandas.Series([1.5, 2]).mean(), 1.75),
        ]:
            with self.subTest(schema=schema, value=value):
                found = self.both_ways(schema, value)
                self.assertEqual((found, type(found)), (expected, type(expected)))

    def test_takes_arrays_and_series(self):
        for schema, value, expected in [
            (LONGS, numpy.array([1, 2, 3]), [1, 2, 3]),
            (LONGS, numpy.array([], dtype="int64"), []),
            ({"type": "array", "items": "double"}, numpy.array([1.5, numpy.inf]), [1.5, float("inf")]),
            ({"type": "array", "items": LONGS}, numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
            ({"type": "array", "items": "string"}, numpy.array(["a", "bc"]), ["a", "bc"]),
            (LONGS, pandas.Series([1, 2]), [1, 2]),
            (["null", LONGS], numpy.array([1]), [1]),
            ({"type": "array", "items": LOCAL}, numpy.array(["1970-01-01T00:00:00.000000001"], dtype="datetime64[ns]"), [1]),
        ]:
            with self.subTest(schema=schema, value=value):
                self.assertEqual(self.both_ways(schema, value), expected)

    def test_takes_dates_with_their_nanoseconds(self):
        stamp = pandas.Timestamp("2026-11-29T12:00:00.123456789Z")
        self.assertEqual(self.both_ways(STAMP, stamp), 1_795_953_600_123_456_789)
        self.assertEqual(self.both_ways({**STAMP, "logicalType": "timestamp-millis"}, stamp), 1_795_953_600_123)
        for text, expected in (("1969-12-31T23:59:59.999999999", -1), ("2026-11-29T12:00:00.5", 1_795_953_600_500_000_000)):
            for unit in ("ms", "us", "ns") if expected > 0 else ("ns",):
                self.assertEqual(self.both_ways(LOCAL, numpy.datetime64(text, unit)), expected)

    def test_refuses_what_has_no_exact_value(self):
        for schema, value, message in [
            (STAMP, pandas.Timestamp("2026-11-29"), r"got datetime without a time zone; use .replace"),
            (STAMP, numpy.datetime64("2026-11-29", "ns"), r"without a time zone; use value.astype"),
            ("long", numpy.datetime64("2026-11-29", "ns"), r"expected long, got datetime64"),
            ("long", numpy.timedelta64(3, "s"), r"expected long, got timedelta64"),
            (["null", LOCAL], pandas.NaT, r"got NaT; use None$"),
            (["null", LOCAL], numpy.datetime64("NaT"), r"; use None$"),
            (["null", "long"], pandas.NA, r"; use None$"),
            (["null", "long"], numpy.float64("nan"), r"; use None$"),
            ("long", numpy.float64(3.0), r"use int\(value\)"),
            ("long", numpy.uint64(2**63), r"does not fit in 64 bits"),
            ("double", numpy.complex128(1), r"expected double, got complex128"),
            ("double", numpy.int64(2**53 + 1), r"cannot hold exactly"),
            ("bytes", numpy.array([1]), r"; use .tobytes\(\)$"),
            ("long", numpy.array([1]), r"expected long, got ndarray"),
            ("boolean", numpy.int64(1), r"expected boolean, got int64"),
            ("double", numpy.ma.masked, r"expected double, got MaskedConstant masked$"),
            ("string", pandas.DataFrame({"a": [1]}), r"got DataFrame a 0 1$"),
        ]:
            with self.subTest(schema=schema, value=value):
                self.assertRegex(misfit(schema, value), message)

    def test_takes_a_date_of_pandas_for_the_day_type_only_as_a_date(self):
        days = {"type": "int", "logicalType": "date"}
        self.assertEqual(self.both_ways(days, pandas.Timestamp("1970-01-02").date()), 1)
        self.assertEqual(self.both_ways(days, datetime.date(1970, 1, 2)), 1)
        self.assertRegex(misfit(days, pandas.Timestamp("1970-01-02")), r"; use .date\(\)$")


if __name__ == "__main__":
    unittest.main()
