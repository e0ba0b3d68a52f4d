"""Avro's variable-length numbers, zigzag: small ones from a table."""

from __future__ import annotations

_TABLED = 8192


def _pack(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


#: The encodings of 0 ... 8191, by number.
SMALL = [_pack(number << 1) for number in range(_TABLED)]


def pack_long(number: int) -> bytes:
    """The encoding of a number in 64 bits; the caller checks the range."""
    if 0 <= number < _TABLED:
        return SMALL[number]
    return _pack((number << 1) ^ (number >> 63))
