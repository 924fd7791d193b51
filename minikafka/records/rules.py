"""What a topic's settings say about produced batches."""

from minikafka.records.batch import CREATE_TIME, LOG_APPEND_TIME
from minikafka.records.compression import CODEC_NAMES

_TIMESTAMP_TYPES = {"CreateTime": CREATE_TIME, "LogAppendTime": LOG_APPEND_TIME}


class ProduceRules:
    """The settings of one topic that decide over a produced batch; made once per topic and again
    when its settings change.

    The arguments are named and valued as the topic settings are: `compression_type` "producer",
    "uncompressed" or a codec, `timestamp_type` "CreateTime" or "LogAppendTime", `compacted` whether
    "compact" is in `cleanup.policy`.
    """

    __slots__ = (
        "after_max_ms",
        "before_max_ms",
        "codec",
        "compacted",
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
        max_message_bytes: int = 1_048_588,
        segment_bytes: int = 1 << 30,
        compression_type: str = "producer",
        gzip_level: int = -1,
        lz4_level: int = 9,
        zstd_level: int = 3,
        timestamp_type: str = "CreateTime",
        before_max_ms: int = (1 << 63) - 1,
        after_max_ms: int = 3_600_000,
        compacted: bool = False,
    ) -> None:
        self.max_message_bytes = max_message_bytes
        self.segment_bytes = segment_bytes
        self.codec = None if compression_type == "producer" else CODEC_NAMES[compression_type]
        self.gzip_level = gzip_level
        self.lz4_level = lz4_level
        self.zstd_level = zstd_level
        self.timestamp_type = _TIMESTAMP_TYPES[timestamp_type]
        self.before_max_ms = before_max_ms
        self.after_max_ms = after_max_ms
        self.compacted = compacted
