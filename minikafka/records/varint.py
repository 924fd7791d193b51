"""Zig-zag varints as records use them (KIP-98, after Protocol Buffers), and what a bad one is."""

from minikafka.protocol.types import Buffer

INT64_BITS = (1 << 64) - 1


class MalformedRecordError(Exception):
    """A batch body does not hold the records that its header promises.

    `unreadable_length` tells the one case that Kafka answers differently: a record length that is
    no varint (longer than five bytes).
    """

    def __init__(self, reason: str, *, unreadable_length: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unreadable_length = unreadable_length


def int64(number: int) -> int:
    """A number as Java's long arithmetic leaves it."""
    return ((number + (1 << 63)) & INT64_BITS) - (1 << 63)


def read_varint(data: Buffer, position: int) -> tuple[int, int]:
    """(value, next position) of an int32 as Kafka reads it: up to five bytes, surplus bits dropped.

    Raises MalformedRecordError when it is longer, IndexError when the data ends within it.
    """
    byte = data[position]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), position + 1
    shift = value = 0
    for at in range(position, position + 5):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            value &= 0xFFFFFFFF
            return (value >> 1) ^ -(value & 1), at + 1
        shift += 7
    raise MalformedRecordError("varint of more than five bytes")


def read_varlong(data: Buffer, position: int) -> tuple[int, int]:
    """(value, next position) of an int64 as Kafka reads it: up to ten bytes, surplus bits dropped.

    Raises MalformedRecordError when it is longer, IndexError when the data ends within it.
    """
    shift = value = 0
    for at in range(position, position + 10):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            value &= INT64_BITS
            return (value >> 1) ^ -(value & 1), at + 1
        shift += 7
    raise MalformedRecordError("varlong of more than ten bytes")


def _encode(number: int) -> bytes:
    zigzag = ((number << 1) ^ (number >> 63)) & INT64_BITS
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


_TABLE_BELOW = 1024
TABLE = [bytes((2 * number,)) for number in range(64)] + [
    bytes((2 * number & 0x7F | 0x80, number >> 6)) for number in range(64, _TABLE_BELOW)
]
"""The varints of the numbers 0…1023."""
NULL_LENGTH = _encode(-1)


def varint(number: int) -> bytes:
    """A number of at most 64 bits as a zig-zag varint; small ones come from a table."""
    if 0 <= number < _TABLE_BELOW:
        return TABLE[number]
    return _encode(number)


def skip_headers(data: Buffer, position: int, lengths_at: list[int] | None = None) -> int:
    """The position after a record's headers; `lengths_at` collects where their lengths begin.

    Raises MalformedRecordError on a negative or impossible count and on a header without a key,
    IndexError when the data ends within the headers.
    """
    count, at = read_varint(data, position)
    if count < 0 or count > len(data) - at:
        raise MalformedRecordError("impossible number of headers")
    for _ in range(count):
        key_at = at
        length = data[at]
        if length & 1:
            raise MalformedRecordError("header without a key")
        if length < 0x80:
            at += 1 + (length >> 1)
        else:
            length, at = read_varint(data, at)
            at += length
        value_at = at
        length = data[at]
        if length < 0x80:
            at += 1 if length & 1 else 1 + (length >> 1)
        else:
            length, at = read_varint(data, at)
            at += max(length, 0)
        if lengths_at is not None:
            lengths_at += (key_at, value_at)
    return at
