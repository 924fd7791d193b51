"""How much a zstd stream can hold at most (RFC 8878), found without decompressing it.

A decompressor that writes into a buffer needs to know how large that must be, and a frame need not
say. But its blocks do: a block of one repeated byte names its size, a raw block is its size, and a
compressed one holds at most 128 KiB.
"""

from struct import Struct
from struct import error as StructError

from minikafka.protocol.types import Buffer
from minikafka.records.errors import CorruptRecordError

_MAGIC = 0xFD2FB528
_SKIPPABLE_MAGIC = 0x184D2A50
_SKIPPABLE_MASK = 0xFFFFFFF0
_SINGLE_SEGMENT = 0x20
_CHECKSUM = 0x04
_CHECKSUM_BYTES = 4
_DICTIONARY_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_LARGEST_BLOCK_BYTES = 128 * 1024
_RAW, _REPEATED = 0, 1
_UINT32 = Struct("<I")


def largest_content(data: Buffer) -> int:
    """An upper bound of the bytes in all frames of `data`.

    Raises CorruptRecordError when `data` is no sequence of whole frames.
    """
    total = at = 0
    try:
        while at < len(data):
            (magic,) = _UINT32.unpack_from(data, at)
            at += _UINT32.size
            if magic == _MAGIC:
                size, at = _frame(data, at)
                total += size
            elif magic & _SKIPPABLE_MASK == _SKIPPABLE_MAGIC:
                at += _UINT32.size + _UINT32.unpack_from(data, at)[0]
            else:
                raise CorruptRecordError("zstd: unknown frame")
    except (IndexError, StructError):
        raise CorruptRecordError("zstd: data ends within a frame") from None
    if at > len(data):
        raise CorruptRecordError("zstd: data ends within a frame")
    return total


def _frame(data: Buffer, at: int) -> tuple[int, int]:
    """(largest content, end) of the frame whose header begins at `at`."""
    descriptor = data[at]
    at += 1
    single_segment = bool(descriptor & _SINGLE_SEGMENT)
    at += 0 if single_segment else 1
    at += _DICTIONARY_BYTES[descriptor & 3]
    at += _CONTENT_SIZE_BYTES[descriptor >> 6] or int(single_segment)
    size = 0
    last = False
    while not last:
        block = data[at] | data[at + 1] << 8 | data[at + 2] << 16
        at += 3
        last = bool(block & 1)
        kind, length = block >> 1 & 3, block >> 3
        if kind == _RAW:
            size += length
            at += length
        elif kind == _REPEATED:
            size += length
            at += 1
        else:
            size += _LARGEST_BLOCK_BYTES
            at += length
    if descriptor & _CHECKSUM:
        at += _CHECKSUM_BYTES
    return size, at
