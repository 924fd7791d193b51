"""Whether the replicas of a partition are the same, byte by byte, in the files of their nodes."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.segments import segment_files

_HEAD = struct.Struct(">qi")
_HEAD_BYTES = 12
_LAST_OFFSET_DELTA_AT = 23


class StoredBatch(NamedTuple):
    base_offset: int
    last_offset: int
    content: bytes


def stored_batches(log_dir: Path, topic: str, partition: int) -> Iterator[StoredBatch]:
    """The whole batches of a replica; segments may end wherever its node let them."""
    for path in segment_files(log_dir, topic, partition):
        data, position = path.read_bytes(), 0
        while position + _HEAD_BYTES <= len(data):
            base_offset, length = _HEAD.unpack_from(data, position)
            end = position + _HEAD_BYTES + length
            if length <= 0 or end > len(data):
                break  # What a kill left of the last one.
            (delta,) = struct.unpack_from(">i", data, position + _LAST_OFFSET_DELTA_AT)
            yield StoredBatch(base_offset, base_offset + delta, data[position:end])
            position = end


def assert_equal(log_dirs: Iterable[Path], topic: str, partition: int, high_watermark: int) -> None:
    """All replicas hold the same batches below the high watermark, and reach it."""
    first: list[StoredBatch] | None = None
    for log_dir in log_dirs:
        found = [
            batch
            for batch in stored_batches(log_dir, topic, partition)
            if batch.base_offset < high_watermark
        ]
        end = found[-1].last_offset + 1 if found else 0
        where = f"{topic}-{partition} in {log_dir}"
        assert end == high_watermark, f"{where} ends at {end}, not {high_watermark}"
        if first is None:
            first = found
        differing = [mine for mine, other in zip(found, first, strict=True) if mine != other]
        assert not differing, f"{where} differs at {differing[0].base_offset}"
