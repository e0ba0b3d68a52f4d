import datetime
import unittest
import uuid
from decimal import Decimal

from kfbasicpy.avro import AvroError, Codec
from tests.schemas import record

UTC = datetime.timezone.utc
DAY = datetime.datetime(2026, 11, 29, 12, 30, 15, 123_456, tzinfo=UTC)
MICROS = 1_795_955_415_123_456
BEFORE = datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def logical(base, logical_type, **more):
    return {"type": base, "logicalType": logical_type, **more}


def misfit(schema, value):
    try:
        Codec(record(("when", schema, {}))).encode({"when": value})
    except AvroError as error:
        return str(error)
    raise AssertionError(f"{value!r} was encoded")


class TimeTest(unittest.TestCase):
    def test_encodes_times_in_the_unit_of_the_type_rounded_down(self):
        naive = DAY.replace(tzinfo=None)
        east = DAY.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
        for base, name, value, expected in [
            ("long", "timestamp-millis", DAY, MICROS // 1000),
            ("long", "timestamp-micros", DAY, MICROS),
            ("long", "timestamp-nanos", DAY, MICROS * 1000),
            ("long", "timestamp-millis", east, MICROS // 1000),
            ("long", "timestamp-millis", BEFORE, -1),
            ("long", "timestamp-micros", BEFORE, -1),
            ("long", "timestamp-micros", datetime.datetime.min.replace(tzinfo=UTC), -62_135_596_800_000_000),
            ("long", "local-timestamp-millis", naive, MICROS // 1000),
            ("long", "local-timestamp-micros", naive, MICROS),
            ("long", "local-timestamp-nanos", naive, MICROS * 1000),
            ("int", "date", datetime.date(1970, 1, 2), 1),
            ("int", "date", datetime.date(1969, 12, 31), -1),
            ("int", "time-millis", datetime.time(1, 2, 3, 4999), 3_723_004),
            ("long", "time-micros", datetime.time(23, 59, 59, 999_999), 86_399_999_999),
        ]:
            for schema in (logical(base, name), ["null", logical(base, name)]):
                with self.subTest(schema=schema, value=value):
                    codec = Codec(schema)
                    self.assertEqual(codec.decode(codec.encode(value)), expected)
                    self.assertEqual(codec.decode(codec.encode(expected)), expected)

    def test_names_the_field_the_type_and_the_remedy(self):
        naive, day = DAY.replace(tzinfo=None), datetime.date(2026, 11, 29)
        for schema, value, message in [
            (
                logical("long", "timestamp-millis"),
                naive,
                "expected long (timestamp-millis), got datetime without a time zone; use .replace(tzinfo=timezone.utc) or .astimezone()",
            ),
            (
                logical("long", "local-timestamp-millis"),
                DAY,
                "expected long (local-timestamp-millis), got datetime with a time zone; use .replace(tzinfo=None)",
            ),
            (logical("int", "date"), DAY, "expected int (date), got datetime 2026-11-29 12:30:15.123456+00:00; use .date()"),
            (logical("long", "timestamp-micros"), day, "expected long (timestamp-micros), got date 2026-11-29; use a datetime"),
            ("string", DAY, "expected string, got datetime 2026-11-29 12:30:15.123456+00:00; use .isoformat()"),
            ("string", day, "expected string, got date 2026-11-29; use .isoformat()"),
            (
                "long",
                DAY,
                "expected long, got datetime 2026-11-29 12:30:15.123456+00:00; "
                "use the logical type timestamp-millis, or int(value.timestamp() * 1000)",
            ),
            (
                logical("int", "time-millis"),
                datetime.time(1, tzinfo=UTC),
                "expected int (time-millis), got time 01:00:00+00:00; use .replace(tzinfo=None)",
            ),
            (
                "long",
                datetime.timedelta(seconds=3),
                "expected long, got timedelta 0:00:03; use .total_seconds(), or a number of the unit you mean",
            ),
        ]:
            with self.subTest(schema=schema, value=value):
                self.assertEqual(misfit(schema, value), f"when: {message}")

    def test_ignores_a_logical_type_that_is_not_valid_for_its_base(self):
        for base, name in (("int", "timestamp-millis"), ("string", "date"), ("long", "time-millis"), ("bytes", "uuid")):
            self.assertIn(f"expected {base}, got", misfit(logical(base, name), DAY))


class DecimalTest(unittest.TestCase):
    def test_encodes_the_unscaled_number(self):
        schema = logical("bytes", "decimal", precision=9, scale=2)
        for value, expected in [
            ("12.34", 1234),
            ("-12.34", -1234),
            ("12.3", 1230),
            ("12.340", 1234),
            ("1E+2", 10000),
            ("0", 0),
            ("-0.00", 0),
            ("1.28", 128),
            ("-1.28", -128),
            ("2.55", 255),
            ("9999999.99", 999_999_999),
        ]:
            with self.subTest(value=value):
                data = Codec(schema).decode(Codec(schema).encode(Decimal(value)))
                self.assertEqual(int.from_bytes(data, "big", signed=True), expected)
                shorter = data[1:]
                self.assertNotEqual((int.from_bytes(shorter, "big", signed=True), bool(shorter)), (expected, True))
        fixed = logical("fixed", "decimal", name="f", size=8, precision=18, scale=0)
        self.assertEqual(Codec(fixed).decode(Codec(fixed).encode(Decimal(-2))), b"\xff" * 7 + b"\xfe")

    def test_rejects_what_it_would_round(self):
        schema = logical("bytes", "decimal", precision=4, scale=2)
        for value in ("1.234", "100", "1E+999999999", "1E-999999999", "NaN", "Infinity"):
            message = misfit(schema, Decimal(value))
            self.assertIn("when: expected bytes (decimal) of precision 4 and scale 2, got Decimal", message)
            self.assertIn("use .quantize()", message)

    def test_names_the_remedy_for_other_types(self):
        self.assertEqual(misfit("double", Decimal("1.5")), "when: expected double, got Decimal 1.5; use float(value)")
        self.assertEqual(misfit("string", Decimal("1.5")), "when: expected string, got Decimal 1.5; use str(value)")
        self.assertIn("use the logical type decimal in the schema", misfit("bytes", Decimal("1.5")))
        self.assertIn("use decimal.Decimal(str(value))", misfit(logical("bytes", "decimal", precision=4), 1.5))

    def test_ignores_a_precision_or_a_scale_that_is_not_valid(self):
        for more in ({}, {"precision": 0}, {"precision": 2, "scale": 3}, {"precision": 2, "scale": -1}, {"precision": True}, {"precision": "4"}):
            self.assertIn("expected bytes, got Decimal", misfit(logical("bytes", "decimal", **more), Decimal(1)))
        self.assertIn("expected f, got Decimal", misfit(logical("fixed", "decimal", name="f", size=2, precision=5), Decimal(1)))
        fixed = Codec(logical("fixed", "decimal", name="f", size=2, precision=4))
        self.assertEqual(fixed.encode(Decimal(9999)), b"\x27\x0f")


class UuidTest(unittest.TestCase):
    ID = uuid.UUID("11111111-2222-3333-4444-5555555555aa")

    def test_encodes_text_or_16_bytes(self):
        text, fixed = logical("string", "uuid"), logical("fixed", "uuid", name="f", size=16)
        self.assertEqual(Codec(text).decode(Codec(text).encode(self.ID)), str(self.ID))
        self.assertEqual(Codec(fixed).encode(self.ID), self.ID.bytes)
        self.assertEqual(Codec(["null", "string", fixed]).encode(self.ID), b"\4" + self.ID.bytes)

    def test_names_the_remedy_without_the_logical_type(self):
        self.assertEqual(misfit("string", self.ID), f"when: expected string, got UUID {self.ID}; use str(value)")
        self.assertIn("use value.bytes", misfit({"type": "fixed", "name": "f", "size": 16}, self.ID))


class UnionTest(unittest.TestCase):
    def test_finds_the_branch_of_the_logical_type(self):
        schema = ["null", "string", logical("int", "date"), logical("long", "timestamp-millis"), logical("bytes", "decimal", precision=4)]
        for value, branch in ((datetime.date(1970, 1, 1), 2), (DAY, 3), (Decimal(12), 4), (5, 2), (2**40, 3), (b"x", 4)):
            with self.subTest(value=value):
                self.assertEqual(Codec(schema).encode(value)[0] >> 1, branch)
        self.assertIn("without a time zone", misfit(schema, DAY.replace(tzinfo=None)))

    def test_finds_the_decimal_that_holds_all_digits(self):
        wide = {"type": "fixed", "name": "Wide", "size": 4, "logicalType": "decimal", "precision": 8, "scale": 3}
        schema = [logical("bytes", "decimal", precision=2), wide]
        for value, branch in ((Decimal(12), 0), (Decimal("1.25"), 1), (Decimal(123), 1)):
            with self.subTest(value=value):
                self.assertEqual(Codec(schema).encode(value)[0] >> 1, branch)
        self.assertIn("precision 2 and scale 0, got Decimal 1.2345", misfit(schema, Decimal("1.2345")))


if __name__ == "__main__":
    unittest.main()
