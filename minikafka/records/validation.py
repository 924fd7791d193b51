"""What a leader accepts from a producer, in the order in which Kafka checks it."""

from minikafka.records.batch import BatchHeader
from minikafka.records.errors import InvalidRecordsError

__all__ = ["InvalidRecordsError", "ProduceRules", "check_shape", "validate"]


class ProduceRules:
    """The topic's settings that decide over a produced batch; made once per topic."""

    __slots__ = (
        "after_max_ms",
        "before_max_ms",
        "compacted",
        "compression_type",
        "gzip_level",
        "lz4_level",
        "max_message_bytes",
        "segment_bytes",
        "timestamp_type",
        "zstd_level",
    )

    def __init__(
        self,
        *,
        max_message_bytes: int = 1048588,
        segment_bytes: int = 1 << 30,
        compression_type: str = "producer",
        gzip_level: int = -1,
        lz4_level: int = 9,
        zstd_level: int = 3,
        timestamp_type: str = "CreateTime",
        before_max_ms: int = 2**63 - 1,
        after_max_ms: int = 3_600_000,
        compacted: bool = False,
    ) -> None:
        self.max_message_bytes = max_message_bytes
        self.segment_bytes = segment_bytes
        self.compression_type = compression_type
        self.gzip_level = gzip_level
        self.lz4_level = lz4_level
        self.zstd_level = zstd_level
        self.timestamp_type = timestamp_type
        self.before_max_ms = before_max_ms
        self.after_max_ms = after_max_ms
        self.compacted = compacted


def check_shape(records: memoryview | None, api_version: int) -> memoryview:
    """Before the log: exactly one whole v2 batch. Returns it without a dropped tail."""
    raise NotImplementedError


def validate(
    batch: memoryview, rules: ProduceRules, wall_ms: int, topic_partition: str = ""
) -> tuple[memoryview, BatchHeader]:
    """In the log: size, CRC, header, records. Returns the batch to append, and its header.

    `batch` is writable and may be changed in place (timestamp type, max timestamp, CRC);
    a recompressed batch is a new buffer. `topic_partition` ("orders-0") is only for messages.
    """
    raise NotImplementedError
