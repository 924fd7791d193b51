"""Walking over batches inside of a file, header by header, with few and small reads."""

import zlib
from collections.abc import Iterator
from struct import Struct

from minikafka.log.errors import CorruptLogError
from minikafka.records.batch import (
    HEADER_BYTES,
    LOG_OVERHEAD_BYTES,
    MAGIC,
    BatchHeader,
    has_valid_crc,
    read_header,
)
from minikafka.runtime.disk import DataFile

PEEK = Struct(">qi4xb6xi")
"""base offset, batch length, magic, last offset delta: what a search looks at."""

_PEEK_BYTES = PEEK.size
_HOP_BYTES = 4096
"""One read while hopping: about what lies between two index entries."""

_SCAN_BYTES = 1 << 20
_MINIMUM_LENGTH = HEADER_BYTES - LOG_OVERHEAD_BYTES
_LEGACY_MAGICS = (0, 1)
_LEGACY_CRC_BYTES = 4

_peek = PEEK.unpack_from


class NoBatchError(Exception):
    """There is no whole batch at `position`; `reason` says what is there."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"at byte {position}: {reason}")
        self.position = position
        self.reason = reason


def find_batch(
    file: DataFile, offset: int, position: int, end: int, expected_last_offset: int = -1
) -> tuple[int, int, int, int]:
    """Hop from the batch at `position` to the first that ends at `offset` or beyond.

    Returns (position, size in bytes, base offset, last offset) of it; at `end` of the file without
    one (end, 0, offset, offset). `expected_last_offset` is what an index promised of the batch at
    `position`. Raises NoBatchError where no batch can be, or another one than promised.
    """
    if expected_last_offset >= 0 and position >= end:
        raise NoBatchError(position, f"the file has {end} bytes")
    chunk = b""
    at = 0
    while position < end:
        if at + _PEEK_BYTES > len(chunk):
            chunk = file.pread(_HOP_BYTES, position)
            at = 0
            if len(chunk) < _PEEK_BYTES:
                raise NoBatchError(position, "the file ends inside of a header")
        base_offset, length, magic, delta = _peek(chunk, at)
        if magic != MAGIC or length < _MINIMUM_LENGTH or delta < 0:
            raise NoBatchError(position, f"magic {magic}, length {length}")
        last_offset = base_offset + delta
        if expected_last_offset >= 0:
            if last_offset != expected_last_offset:
                raise NoBatchError(
                    position, f"a batch ends at {last_offset}, indexed as {expected_last_offset}"
                )
            expected_last_offset = -1
        size = length + LOG_OVERHEAD_BYTES
        if position + size > end:
            raise NoBatchError(position, f"length {length} reaches beyond the end of the file")
        if last_offset >= offset:
            return position, size, base_offset, last_offset
        position += size
        at += size
    return end, 0, offset, offset


def batch_holding(
    file: DataFile, offset: int, position: int, last_offset: int
) -> tuple[int, int, int, int] | None:
    """The batch at `position`, as `find_batch` gives it, if it holds `offset`; None if not.

    `last_offset` is what an index promised of it.
    """
    chunk = file.pread(_PEEK_BYTES, position)
    if len(chunk) < _PEEK_BYTES:
        return None
    base_offset, length, magic, delta = _peek(chunk, 0)
    if base_offset > offset or base_offset + delta != last_offset:
        return None
    if magic != MAGIC or length < _MINIMUM_LENGTH:
        return None
    return position, length + LOG_OVERHEAD_BYTES, base_offset, last_offset


def is_whole_batch(data: bytes, size: int, offset: int, last_offset: int) -> bool:
    """Whether `size` bytes that begin with `data` begin with a whole batch that holds `offset` and
    ends with `last_offset`."""
    if len(data) < _PEEK_BYTES:
        return False
    base_offset, length, magic, delta = _peek(data, 0)
    if base_offset > offset or base_offset + delta != last_offset or magic != MAGIC:
        return False
    is_whole: bool = _MINIMUM_LENGTH <= length <= size - LOG_OVERHEAD_BYTES
    return is_whole


def walk_headers(file: DataFile, position: int, end: int) -> Iterator[tuple[int, BatchHeader]]:
    """(position, header) of each batch of file[position:end]; raises NoBatchError if cut short.

    Reads headers only, so that a walk over large batches costs one small read for each.
    """
    chunk = b""
    at = 0
    while position < end:
        if at + HEADER_BYTES > len(chunk):
            chunk = file.pread(_HOP_BYTES, position)
            at = 0
            if len(chunk) < HEADER_BYTES:
                raise NoBatchError(position, "the file ends inside of a header")
        header = read_header(chunk, at)
        _check_header(header, position, end)
        yield position, header
        position += header.size_bytes
        at += header.size_bytes


def scan_batches(
    file: DataFile, path: str, end: int
) -> Iterator[tuple[int, BatchHeader, memoryview]]:
    """(position, header, bytes) of each batch from the start, every CRC checked.

    Raises NoBatchError at the first that is torn or damaged, CorruptLogError at one of the formats
    that ended with Kafka 0.10: that is somebody's data and not for us to cut.
    """
    position = 0
    chunk = memoryview(b"")
    at = 0
    while position < end:
        if at + HEADER_BYTES > len(chunk):
            chunk, at = memoryview(file.pread(_SCAN_BYTES, position)), 0
            if len(chunk) < HEADER_BYTES:
                raise NoBatchError(position, "the file ends inside of a header")
        header = read_header(chunk, at)
        if _is_legacy(file, position, header):
            raise CorruptLogError(path, position, f"message format v{header.magic}, v2 is needed")
        _check_header(header, position, end)
        size = header.size_bytes
        if at + size > len(chunk):
            chunk, at = memoryview(file.pread(max(size, _SCAN_BYTES), position)), 0
        batch = chunk[at : at + size]
        if not has_valid_crc(batch):
            raise NoBatchError(position, f"the CRC of the batch at offset {header.base_offset}")
        yield position, header, batch
        position += size
        at += size


def _is_legacy(file: DataFile, position: int, header: BatchHeader) -> bool:
    """Whether a message of format v0 or v1 is here, and not a batch whose page was torn behind its
    length, with zeros where the magic would be: the CRC of a message (where a batch has its leader
    epoch) covers all from the magic on.
    """
    if header.magic not in _LEGACY_MAGICS or header.batch_length <= 0:
        return False
    message = file.pread(header.batch_length, position + LOG_OVERHEAD_BYTES)
    crc = header.partition_leader_epoch & 0xFFFFFFFF
    return zlib.crc32(message[_LEGACY_CRC_BYTES:]) == crc


def _check_header(header: BatchHeader, position: int, end: int) -> None:
    length = header.batch_length
    if header.magic != MAGIC or length < _MINIMUM_LENGTH or header.last_offset_delta < 0:
        raise NoBatchError(position, f"magic {header.magic}, length {length}")
    if position + length + LOG_OVERHEAD_BYTES > end:
        raise NoBatchError(position, f"length {length} reaches beyond the end of the file")
