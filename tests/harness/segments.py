"""Reading a partition's files with nothing but the format's fixed positions."""

import struct
from collections.abc import Iterator
from pathlib import Path

from harness.clients import CODECS


def segment_files(log_dir: Path, topic: str, partition: int = 0) -> list[Path]:
    return sorted((log_dir / f"{topic}-{partition}").glob("*.log"))


def stored_codecs(log_dir: Path, topic: str, partition: int = 0) -> set[str]:
    """The compression of every batch on disk, by Kafka's names."""
    return {
        CODECS[attributes & 0x07]
        for path in segment_files(log_dir, topic, partition)
        for attributes in _attributes(path.read_bytes())
    }


def _attributes(data: bytes) -> Iterator[int]:
    position = 0
    while position < len(data):
        (batch_length,) = struct.unpack_from(">i", data, position + 8)
        (attributes,) = struct.unpack_from(">h", data, position + 21)
        yield attributes
        position += 12 + batch_length
    assert position == len(data), "the last batch is torn"
