import sys
import threading
import unittest

from kfbasicpy.avro import AvroError, Codec
from tests.schemas import record

LIST = {**record(("v", "int", {}), ("next", ["null", "L"], {})), "name": "L"}
ARRAYS = {**record(("of", {"type": "array", "items": {"type": "map", "values": "A"}}, {})), "name": "A"}


def linked(levels):
    value = None
    for number in range(levels):
        value = {"v": number, "next": value}
    return value


class DepthTest(unittest.TestCase):
    def test_encodes_and_decodes_1000_levels_in_any_thread(self):
        codec = Codec(LIST)
        found = []

        def both_ways():
            found.append(codec.decode(codec.encode(linked(1000))) == linked(1000))

        thread = threading.Thread(target=both_ways)
        thread.start()
        thread.join()
        both_ways()
        self.assertEqual(found, [True, True])

    def test_rejects_a_level_more_and_goes_on(self):
        codec = Codec(LIST)
        with self.assertRaisesRegex(AvroError, "nested deeper than 1000 records") as caught:
            codec.encode(linked(1001))
        self.assertLess(len(str(caught.exception)), 2000)
        with self.assertRaisesRegex(AvroError, "nested deeper than 1000 records"):
            codec.decode(b"\2\2" * 1001 + b"\0")
        self.assertEqual(codec.decode(codec.encode(linked(3))), linked(3))

    def test_counts_records_within_arrays_and_maps(self):
        value = {"of": []}
        for _ in range(999):
            value = {"of": [{"k": value}]}
        codec = Codec(ARRAYS)
        self.assertEqual(codec.decode(codec.encode(value)), value)
        with self.assertRaisesRegex(AvroError, "nested deeper"):
            codec.encode({"of": [{"k": value}]})

    def test_rejects_a_value_that_contains_itself(self):
        loop = {"v": 1}
        loop["next"] = loop
        with self.assertRaisesRegex(AvroError, "nested deeper than 1000 records"):
            Codec(LIST).encode(loop)

    def test_reports_the_limit_of_python_if_that_is_lower(self):
        codec = Codec(LIST)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(400)
        try:
            with self.assertRaisesRegex(AvroError, "nested too deep for Python's recursion limit of 400"):
                codec.encode(linked(900))
        finally:
            sys.setrecursionlimit(limit)
        self.assertEqual(codec.decode(codec.encode(linked(900))), linked(900))


class EmptyItemsTest(unittest.TestCase):
    def test_counts_items_of_the_branch_that_is_written_alone(self):
        nulls = {"type": "array", "items": "null"}
        codec = Codec([{**record(("n", nulls, {}), ("x", "int", {})), "name": "A"}, {**record(("n", nulls, {})), "name": "B"}])
        self.assertEqual(len(codec.decode(codec.encode({"n": [None] * 600_000}))["n"]), 600_000)
        with self.assertRaisesRegex(AvroError, "more than 1,000,000 items"):
            codec.encode({"n": [None] * 1_000_001})


if __name__ == "__main__":
    unittest.main()
