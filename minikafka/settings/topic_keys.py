"""The keys of a topic.

Each has at most one broker key as its default (`synonyms`), under another name for most of them:
`retention.ms` is `log.retention.ms` of the broker, which itself may come from `…hours`.
"""

from typing import Final

from minikafka.settings.declare import Declared, setting
from minikafka.settings.kinds import (
    BOOLEAN,
    DOUBLE,
    INT,
    LIST,
    LIST_TYPE,
    LONG,
    LONG_MAX,
    STRING,
    Kind,
    parse_list,
)
from minikafka.settings.log import (
    CLEANUP_POLICIES,
    COMPRESSION_TYPES,
    TIMESTAMP_TYPES,
    gzip_level_reason,
)

POLICIES: Final = Kind[frozenset[str]](
    "list",
    LIST_TYPE,
    lambda text: frozenset(parse_list(text)),
    lambda policies: ",".join(sorted(policies)),
)


def throttled_replicas_reason(replicas: tuple[str, ...]) -> str | None:
    """`*`, or partition:broker pairs; None when `replicas` are."""
    if replicas in ((), ("*",)):
        return None
    pairs = [replica.partition(":") for replica in replicas]
    if all(partition.isdecimal() and broker.isdecimal() for partition, _, broker in pairs):
        return None
    return "must be the literal '*' or a list of [partitionId]:[brokerId] pairs"


class TopicKeys(Declared):
    """The declarations; `topic.TopicSettings` holds the values."""

    cleanup_policy = setting(
        "cleanup.policy",
        frozenset({"delete"}),
        kind=POLICIES,
        one_of=CLEANUP_POLICIES,
        synonyms=("log.cleanup.policy",),
        doc="delete: old segments go by age and size; compact: the newest record of each key "
        "stays; both; or neither.",
    )
    compression_type = setting(
        "compression.type",
        "producer",
        kind=STRING,
        one_of=COMPRESSION_TYPES,
        synonyms=("compression.type",),
        doc="The codec in which batches are stored; producer: as they came.",
    )
    compression_gzip_level = setting(
        "compression.gzip.level",
        -1,
        kind=INT,
        check=gzip_level_reason,
        synonyms=("compression.gzip.level",),
        doc="The gzip level, 1 to 9, where compression.type is gzip. -1: zlib's own.",
    )
    compression_lz4_level = setting(
        "compression.lz4.level",
        9,
        kind=INT,
        at_least=1,
        at_most=17,
        synonyms=("compression.lz4.level",),
        doc="The lz4 level where compression.type is lz4.",
    )
    compression_zstd_level = setting(
        "compression.zstd.level",
        3,
        kind=INT,
        at_least=-131072,
        at_most=22,
        synonyms=("compression.zstd.level",),
        doc="The zstd level where compression.type is zstd.",
    )
    delete_retention_ms = setting(
        "delete.retention.ms",
        86400000,
        kind=LONG,
        at_least=0,
        synonyms=("log.cleaner.delete.retention.ms",),
        hostile=(0, 1000),
        doc="How long compaction keeps tombstones and transaction markers.",
    )
    file_delete_delay_ms = setting(
        "file.delete.delay.ms",
        60000,
        kind=LONG,
        at_least=0,
        synonyms=("log.segment.delete.delay.ms",),
        hostile=(0, 60000),
        doc="How long the files of a deleted segment stay on disk.",
    )
    flush_messages = setting(
        "flush.messages",
        LONG_MAX,
        kind=LONG,
        at_least=1,
        synonyms=("log.flush.interval.messages",),
        hostile=(1, LONG_MAX),
        doc="fsync after so many records. By default replication alone gives durability.",
    )
    flush_ms = setting(
        "flush.ms",
        LONG_MAX,
        kind=LONG,
        at_least=0,
        synonyms=("log.flush.interval.ms",),
        hostile=(0, 1000, LONG_MAX),
        doc="fsync at the latest after this time.",
    )
    follower_replication_throttled_replicas = setting(
        "follower.replication.throttled.replicas",
        (),
        kind=LIST,
        check=throttled_replicas_reason,
        doc="Replicas whose fetching is throttled: partition:broker pairs, or * for all.",
    )
    index_interval_bytes = setting(
        "index.interval.bytes",
        4096,
        kind=INT,
        at_least=0,
        synonyms=("log.index.interval.bytes",),
        hostile=(0, 100, 4096),
        doc="An index entry is written each time so many bytes were appended.",
    )
    leader_replication_throttled_replicas = setting(
        "leader.replication.throttled.replicas",
        (),
        kind=LIST,
        check=throttled_replicas_reason,
        doc="Replicas to which sending is throttled: partition:broker pairs, or * for all.",
    )
    local_retention_bytes = setting(
        "local.retention.bytes",
        -2,
        kind=LONG,
        at_least=-2,
        synonyms=("log.local.retention.bytes",),
        acted_upon=False,
        doc="Tiered storage: bytes that stay on local disks. -2: retention.bytes.",
    )
    local_retention_ms = setting(
        "local.retention.ms",
        -2,
        kind=LONG,
        at_least=-2,
        synonyms=("log.local.retention.ms",),
        acted_upon=False,
        doc="Tiered storage: how long segments stay on local disks. -2: retention.ms.",
    )
    max_compaction_lag_ms = setting(
        "max.compaction.lag.ms",
        LONG_MAX,
        kind=LONG,
        at_least=1,
        synonyms=("log.cleaner.max.compaction.lag.ms",),
        doc="Records older than this make their log due for compaction.",
    )
    max_message_bytes = setting(
        "max.message.bytes",
        1048588,
        kind=INT,
        at_least=0,
        synonyms=("message.max.bytes",),
        hostile=(500, 1048588),
        doc="The largest record batch that is accepted, its 12-byte log overhead included.",
    )
    message_timestamp_after_max_ms = setting(
        "message.timestamp.after.max.ms",
        3600000,
        kind=LONG,
        at_least=0,
        synonyms=("log.message.timestamp.after.max.ms",),
        doc="Records whose timestamp lies further in the future are refused.",
    )
    message_timestamp_before_max_ms = setting(
        "message.timestamp.before.max.ms",
        LONG_MAX,
        kind=LONG,
        at_least=0,
        synonyms=("log.message.timestamp.before.max.ms",),
        doc="Records whose timestamp lies further in the past are refused.",
    )
    message_timestamp_type = setting(
        "message.timestamp.type",
        "CreateTime",
        kind=STRING,
        one_of=TIMESTAMP_TYPES,
        synonyms=("log.message.timestamp.type",),
        doc="CreateTime: a record's timestamp is its producer's; LogAppendTime: the broker's.",
    )
    min_cleanable_dirty_ratio = setting(
        "min.cleanable.dirty.ratio",
        0.5,
        kind=DOUBLE,
        at_least=0,
        at_most=1,
        synonyms=("log.cleaner.min.cleanable.ratio",),
        doc="A log is compacted when so large a part of it has not been compacted yet.",
    )
    min_compaction_lag_ms = setting(
        "min.compaction.lag.ms",
        0,
        kind=LONG,
        at_least=0,
        synonyms=("log.cleaner.min.compaction.lag.ms",),
        doc="Records younger than this are not compacted away.",
    )
    min_insync_replicas = setting(
        "min.insync.replicas",
        1,
        kind=INT,
        at_least=1,
        synonyms=("min.insync.replicas",),
        hostile=(1, 2),
        doc="So many replicas must be in sync for a produce with acks=all to be accepted.",
    )
    preallocate = setting(
        "preallocate",
        False,
        kind=BOOLEAN,
        synonyms=("log.preallocate",),
        doc="Give a new segment its full size at once.",
    )
    remote_log_copy_disable = setting(
        "remote.log.copy.disable",
        False,
        kind=BOOLEAN,
        acted_upon=False,
        doc="Tiered storage: copy nothing more.",
    )
    remote_log_delete_on_disable = setting(
        "remote.log.delete.on.disable",
        False,
        kind=BOOLEAN,
        acted_upon=False,
        doc="Tiered storage: delete what was copied when the topic leaves it.",
    )
    remote_storage_enable = setting(
        "remote.storage.enable",
        False,
        kind=BOOLEAN,
        acted_upon=False,
        doc="Tiered storage for this topic. minikafka has none.",
    )
    retention_bytes = setting(
        "retention.bytes",
        -1,
        kind=LONG,
        synonyms=("log.retention.bytes",),
        hostile=(-1, 2000000),
        doc="The oldest segments are deleted while a partition's log is larger. -1: no bound.",
    )
    retention_ms = setting(
        "retention.ms",
        604800000,
        kind=LONG,
        at_least=-1,
        synonyms=("log.retention.ms",),
        hostile=(1, 1000, 604800000),
        doc="Segments whose newest record is older are deleted. -1: never.",
    )
    segment_bytes = setting(
        "segment.bytes",
        1073741824,
        kind=INT,
        at_least=1048576,
        synonyms=("log.segment.bytes",),
        hostile=(1048576, 1073741824),
        doc="The size at which a segment is rolled.",
    )
    segment_index_bytes = setting(
        "segment.index.bytes",
        10485760,
        kind=INT,
        at_least=4,
        synonyms=("log.index.size.max.bytes",),
        hostile=(24, 10485760),
        doc="The size of an offset index; a segment whose index is full is rolled.",
    )
    segment_jitter_ms = setting(
        "segment.jitter.ms",
        0,
        kind=LONG,
        at_least=0,
        synonyms=("log.roll.jitter.ms",),
        doc="At most so much is taken off segment.ms by chance.",
    )
    segment_ms = setting(
        "segment.ms",
        604800000,
        kind=LONG,
        at_least=1,
        synonyms=("log.roll.ms",),
        hostile=(1, 1000, 604800000),
        doc="The age at which a segment is rolled.",
    )
    unclean_leader_election_enable = setting(
        "unclean.leader.election.enable",
        False,
        kind=BOOLEAN,
        synonyms=("unclean.leader.election.enable",),
        doc="A replica that is not in sync may lead when no other is left, at the price of data.",
    )
