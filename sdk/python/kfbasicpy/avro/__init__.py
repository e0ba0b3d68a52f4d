"""Avro's binary encoding for plain Python values: dict, list, str, bytes, int, float, bool and None."""

from .codec import Codec
from .error import AvroError, SchemaError
from .logical import Duration

__all__ = ["AvroError", "Codec", "Duration", "SchemaError"]
