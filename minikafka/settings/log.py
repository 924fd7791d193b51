"""Logs on disk: segments, retention, compaction, flushing, and the defaults of topics' configs."""

from typing import Final

from minikafka.settings.declare import Declared, filled, optional, setting
from minikafka.settings.kinds import BOOLEAN, DOUBLE, INT, LIST, LONG, LONG_MAX, STRING

COMPRESSION_TYPES: Final = ("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
TIMESTAMP_TYPES: Final = ("CreateTime", "LogAppendTime")
CLEANUP_POLICIES: Final = ("compact", "delete")


def gzip_level_reason(level: int) -> str | None:
    """Why `level` is no gzip level, or None."""
    ok = level == -1 or 1 <= level <= 9
    return None if ok else "Value must be between 1 and 9 or equal to -1"


class LogSettings(Declared):
    """What a partition's log does, as far as its topic does not say otherwise."""

    log_segment_bytes = setting(
        "log.segment.bytes",
        1073741824,
        kind=INT,
        at_least=1048576,
        dynamic="cluster-wide",
        hostile=(1048576, 1073741824),
        doc="The size at which a segment is rolled.",
    )
    log_roll_ms = filled(
        "log.roll.ms",
        kind=LONG,
        dynamic="cluster-wide",
        synonyms=("log.roll.hours",),
        hostile=(1, 1000, 604800000),
        doc="The age at which a segment is rolled. Unset: log.roll.hours.",
    )
    log_roll_hours = setting(
        "log.roll.hours", 168, kind=INT, at_least=1, doc="log.roll.ms in hours."
    )
    log_roll_jitter_ms = filled(
        "log.roll.jitter.ms",
        kind=LONG,
        dynamic="cluster-wide",
        synonyms=("log.roll.jitter.hours",),
        doc="At most so much is taken off that age by chance. Unset: log.roll.jitter.hours.",
    )
    log_roll_jitter_hours = setting(
        "log.roll.jitter.hours", 0, kind=INT, at_least=0, doc="log.roll.jitter.ms in hours."
    )
    log_retention_ms = filled(
        "log.retention.ms",
        kind=LONG,
        dynamic="cluster-wide",
        synonyms=("log.retention.minutes", "log.retention.hours"),
        hostile=(1, 1000, 604800000),
        doc="Segments whose newest record is older are deleted. -1: never. Unset: "
        "log.retention.minutes, then log.retention.hours.",
    )
    log_retention_minutes = optional(
        "log.retention.minutes", kind=INT, doc="log.retention.ms in minutes."
    )
    log_retention_hours = setting(
        "log.retention.hours", 168, kind=INT, doc="log.retention.ms in hours."
    )
    log_retention_bytes = setting(
        "log.retention.bytes",
        -1,
        kind=LONG,
        dynamic="cluster-wide",
        hostile=(-1, 2000000),
        doc="The oldest segments are deleted while a partition's log is larger. -1: no bound.",
    )
    log_retention_check_interval_ms = setting(
        "log.retention.check.interval.ms",
        300000,
        kind=LONG,
        at_least=1,
        hostile=(100, 300000),
        doc="How often logs are searched for segments to delete.",
    )
    log_cleanup_policy = setting(
        "log.cleanup.policy",
        ("delete",),
        kind=LIST,
        one_of=CLEANUP_POLICIES,
        dynamic="cluster-wide",
        doc="delete: by age and size; compact: keep the newest record of each key; or both.",
    )
    log_index_size_max_bytes = setting(
        "log.index.size.max.bytes",
        10485760,
        kind=INT,
        at_least=4,
        dynamic="cluster-wide",
        doc="The size of an offset index; a segment whose index is full is rolled.",
    )
    log_index_interval_bytes = setting(
        "log.index.interval.bytes",
        4096,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        hostile=(0, 100, 4096),
        doc="An index entry is written each time so many bytes were appended.",
    )
    log_segment_delete_delay_ms = setting(
        "log.segment.delete.delay.ms",
        60000,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        doc="How long the files of a deleted segment or partition stay on disk.",
    )
    log_preallocate = setting(
        "log.preallocate",
        False,
        kind=BOOLEAN,
        dynamic="cluster-wide",
        doc="Give a new segment its full size at once.",
    )
    log_flush_interval_messages = setting(
        "log.flush.interval.messages",
        LONG_MAX,
        kind=LONG,
        at_least=1,
        dynamic="cluster-wide",
        doc="fsync a log after so many records. By default replication alone gives durability.",
    )
    log_flush_interval_ms = filled(
        "log.flush.interval.ms",
        kind=LONG,
        dynamic="cluster-wide",
        synonyms=("log.flush.scheduler.interval.ms",),
        doc="fsync a log at the latest after this time. Unset: log.flush.scheduler.interval.ms.",
    )
    log_flush_scheduler_interval_ms = setting(
        "log.flush.scheduler.interval.ms",
        LONG_MAX,
        kind=LONG,
        doc="How often logs are searched for some that are due to be flushed.",
    )
    log_flush_offset_checkpoint_interval_ms = setting(
        "log.flush.offset.checkpoint.interval.ms",
        60000,
        kind=INT,
        at_least=0,
        doc="How often the flushed offset of each log is noted as its recovery point.",
    )
    log_flush_start_offset_checkpoint_interval_ms = setting(
        "log.flush.start.offset.checkpoint.interval.ms",
        60000,
        kind=INT,
        at_least=0,
        acted_upon=False,
        doc="How often the start offset of each log is noted.",
    )
    log_message_timestamp_type = setting(
        "log.message.timestamp.type",
        "CreateTime",
        kind=STRING,
        one_of=TIMESTAMP_TYPES,
        dynamic="cluster-wide",
        doc="CreateTime: a record's timestamp is its producer's; LogAppendTime: the broker's.",
    )
    log_message_timestamp_before_max_ms = setting(
        "log.message.timestamp.before.max.ms",
        LONG_MAX,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        doc="Records whose timestamp lies further in the past are refused.",
    )
    log_message_timestamp_after_max_ms = setting(
        "log.message.timestamp.after.max.ms",
        3600000,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        doc="Records whose timestamp lies further in the future are refused.",
    )
    log_cleaner_enable = setting(
        "log.cleaner.enable",
        True,
        kind=BOOLEAN,
        doc="Run the cleaner that compacts logs.",
    )
    log_cleaner_backoff_ms = setting(
        "log.cleaner.backoff.ms",
        15000,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        doc="How long the cleaner sleeps when there was nothing to compact.",
    )
    log_cleaner_dedupe_buffer_size = setting(
        "log.cleaner.dedupe.buffer.size",
        134217728,
        kind=LONG,
        dynamic="cluster-wide",
        doc="Memory for the cleaner's map of keys, over all cleaner threads.",
    )
    log_cleaner_io_buffer_load_factor = setting(
        "log.cleaner.io.buffer.load.factor",
        0.9,
        kind=DOUBLE,
        dynamic="cluster-wide",
        doc="How full the cleaner's map of keys may become.",
    )
    log_cleaner_io_max_bytes_per_second = setting(
        "log.cleaner.io.max.bytes.per.second",
        1.7976931348623157e308,
        kind=DOUBLE,
        dynamic="cluster-wide",
        doc="The cleaner reads and writes at most so fast.",
    )
    log_cleaner_threads = setting(
        "log.cleaner.threads",
        1,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        acted_upon=False,
        doc="Logs that are compacted at a time. Here always one.",
    )
    log_cleaner_min_cleanable_ratio = setting(
        "log.cleaner.min.cleanable.ratio",
        0.5,
        kind=DOUBLE,
        at_least=0,
        at_most=1,
        dynamic="cluster-wide",
        doc="A log is compacted when so large a part of it has not been compacted yet.",
    )
    log_cleaner_delete_retention_ms = setting(
        "log.cleaner.delete.retention.ms",
        86400000,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        doc="How long compaction keeps tombstones and transaction markers.",
    )
    log_cleaner_min_compaction_lag_ms = setting(
        "log.cleaner.min.compaction.lag.ms",
        0,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        doc="Records younger than this are not compacted away.",
    )
    log_cleaner_max_compaction_lag_ms = setting(
        "log.cleaner.max.compaction.lag.ms",
        LONG_MAX,
        kind=LONG,
        at_least=1,
        dynamic="cluster-wide",
        doc="Records older than this make their log due for compaction.",
    )
    compression_type = setting(
        "compression.type",
        "producer",
        kind=STRING,
        one_of=COMPRESSION_TYPES,
        dynamic="cluster-wide",
        doc="The codec in which batches are stored; producer: as they came.",
    )
    compression_gzip_level = setting(
        "compression.gzip.level",
        -1,
        kind=INT,
        check=gzip_level_reason,
        dynamic="cluster-wide",
        doc="The level at which the broker compresses with gzip, 1 to 9. -1: zlib's own.",
    )
    compression_lz4_level = setting(
        "compression.lz4.level",
        9,
        kind=INT,
        at_least=1,
        at_most=17,
        dynamic="cluster-wide",
        doc="The level at which the broker compresses with lz4.",
    )
    compression_zstd_level = setting(
        "compression.zstd.level",
        3,
        kind=INT,
        at_least=-131072,
        at_most=22,
        dynamic="cluster-wide",
        doc="The level at which the broker compresses with zstd.",
    )
    message_max_bytes = setting(
        "message.max.bytes",
        1048588,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        hostile=(1000, 1048588),
        doc="The largest record batch that is accepted, its 12-byte log overhead included.",
    )
    num_recovery_threads_per_data_dir = setting(
        "num.recovery.threads.per.data.dir",
        2,
        kind=INT,
        at_least=1,
        dynamic="cluster-wide",
        acted_upon=False,
        doc="Threads per directory that load logs at start. Logs are loaded one by one here.",
    )
