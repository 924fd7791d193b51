"""The small text files of a log directory: what is written into them, character by character.

Encoders and decoders only; `Disk.replace*` writes them. Kafka refuses to start on a checkpoint that
it cannot parse, so the grammar is exact: version `0`, the number of entries, one entry a line, a
final newline. An empty file means "no entries", which is how Kafka creates them. Decoders raise
ValueError with the reason.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from itertools import pairwise
from uuid import UUID

TopicPartition = tuple[str, int]

RECOVERY_POINTS = "recovery-point-offset-checkpoint"
LOG_START_OFFSETS = "log-start-offset-checkpoint"
HIGH_WATERMARKS = "replication-offset-checkpoint"
CLEANER_OFFSETS = "cleaner-offset-checkpoint"
LEADER_EPOCHS = "leader-epoch-checkpoint"
PARTITION_METADATA = "partition.metadata"
META_PROPERTIES = "meta.properties"
CLEAN_SHUTDOWN = ".kafka_cleanshutdown"

_VERSION = "0"
_UUID_TEXT_LENGTH = 22


def encode_offsets(offsets: Mapping[TopicPartition, int]) -> bytes:
    """The four `*-offset-checkpoint` files: `topic partition offset` a line."""
    return _encode_lines(f"{topic} {index} {offset}" for (topic, index), offset in offsets.items())


def decode_offsets(data: bytes) -> dict[TopicPartition, int]:
    """What `encode_offsets` wrote, or Kafka."""
    offsets = {}
    for topic, index, offset in _decode_lines(data, 3):
        offsets[topic, int(index)] = int(offset)
    return offsets


def encode_leader_epochs(entries: Iterable[tuple[int, int]]) -> bytes:
    """`leader-epoch-checkpoint`: `epoch start_offset` a line, ascending."""
    return _encode_lines(f"{epoch} {start}" for epoch, start in entries)


def decode_leader_epochs(data: bytes) -> list[tuple[int, int]]:
    """(epoch, start offset), ascending."""
    entries = [(int(epoch), int(start)) for epoch, start in _decode_lines(data, 2)]
    for (epoch, start), (next_epoch, next_start) in pairwise(entries):
        if next_epoch <= epoch or next_start < start:
            raise ValueError(f"epoch {next_epoch} at {next_start} after epoch {epoch} at {start}")
    if entries and min(entries[0]) < 0:
        raise ValueError("negative leader epoch or offset")
    return entries


def encode_partition_metadata(topic_id: UUID) -> bytes:
    """`partition.metadata`: the topic id; no final newline, as Kafka leaves it."""
    return f"version: 0\ntopic_id: {uuid_text(topic_id)}".encode()


def decode_partition_metadata(data: bytes) -> UUID:
    """The topic id."""
    for line in data.decode().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "topic_id":
            return parse_uuid(value.strip())
    raise ValueError("no topic_id")


class MetaProperties:
    """`meta.properties` version 1: whose directory this is.

    `directory_id` is None in directories that Kafka formatted before 3.7.
    """

    __slots__ = ("cluster_id", "directory_id", "node_id")

    def __init__(self, node_id: int, cluster_id: str, directory_id: UUID | None) -> None:
        self.node_id = node_id
        self.cluster_id = cluster_id
        self.directory_id = directory_id

    def encode(self) -> bytes:
        """The file content."""
        lines = ["#", f"node.id={self.node_id}"]
        if self.directory_id is not None:
            lines.append(f"directory.id={uuid_text(self.directory_id)}")
        lines += ["version=1", f"cluster.id={self.cluster_id}", ""]
        return "\n".join(lines).encode()

    @classmethod
    def decode(cls, data: bytes) -> "MetaProperties":
        """Parse the file; comments and order are free, version 1 and the ids must be there."""
        values = {}
        for line in data.decode().splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith(("#", "!")):
                values[key.strip()] = value.strip()
        if values.get("version") != "1":
            raise ValueError(f"version {values.get('version', 'missing')}, only 1 is known")
        for key in ("node.id", "cluster.id"):
            if not values.get(key):
                raise ValueError(f"no {key}")
        directory_id = values.get("directory.id")
        return cls(
            int(values["node.id"]),
            values["cluster.id"],
            parse_uuid(directory_id) if directory_id else None,
        )


def encode_clean_shutdown(broker_epoch: int) -> bytes:
    """`.kafka_cleanshutdown`: written as the last step of a clean stop."""
    return f'{{"version":0,"brokerEpoch":{broker_epoch}}}'.encode()


def decode_clean_shutdown(data: bytes) -> int:
    """The broker epoch, -1 if unreadable: only the marker's presence says "clean"."""
    number = data.partition(b'"brokerEpoch":')[2].strip().rstrip(b"}").strip()
    return int(number) if number.isdigit() else -1


def uuid_text(value: UUID) -> str:
    """Kafka's text of an id: URL-safe base64 of its 16 bytes without padding, 22 characters."""
    return urlsafe_b64encode(value.bytes).decode().rstrip("=")


def parse_uuid(text: str) -> UUID:
    """The id of such a text."""
    if len(text) != _UUID_TEXT_LENGTH:
        raise ValueError(f"{text!r} is no id of {_UUID_TEXT_LENGTH} characters")
    return UUID(bytes=urlsafe_b64decode(text + "=="))


def _encode_lines(lines: Iterable[str]) -> bytes:
    entries = list(lines)
    return "\n".join([_VERSION, str(len(entries)), *entries, ""]).encode()


def _decode_lines(data: bytes, fields: int) -> Iterable[list[str]]:
    if not data:
        return
    lines = data.decode().splitlines()
    if lines[0] != _VERSION:
        raise ValueError(f"version {lines[0]!r}, only {_VERSION} is known")
    if len(lines) < 2 or int(lines[1]) != len(lines) - 2:
        raise ValueError("the number of entries is not the one announced")
    for line in lines[2:]:
        parts = line.split()
        if len(parts) != fields:
            raise ValueError(f"malformed entry {line!r}")
        yield parts
