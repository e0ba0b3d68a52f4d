"""Avro's binary encoding for plain Python values: dict, list, str, bytes, int, float, bool and None."""

from .codec import Codec
from .error import AvroError, SchemaError

__all__ = ["AvroError", "Codec", "SchemaError"]
