"""Consumer groups and their offsets: classic protocol, KIP-848, and the topic that holds them."""

from typing import Any, Final

from minikafka.settings.declare import Declared, one_of_any_case, setting
from minikafka.settings.kinds import INT, INT_MAX, LIST, LONG, SHORT, STRING

#: the group coordinator is a later issue; until then its keys are only parsed and described
_LATER: Final[dict[str, Any]] = {"acted_upon": False}


class GroupSettings(Declared):
    """Groups of both protocols, and offsets."""

    group_initial_rebalance_delay_ms = setting(
        "group.initial.rebalance.delay.ms",
        3000,
        kind=INT,
        hostile=(0, 100, 3000),
        doc="How long the first rebalance of an empty classic group waits for more members.",
    )
    group_min_session_timeout_ms = setting(
        "group.min.session.timeout.ms",
        6000,
        kind=INT,
        doc="The shortest session timeout that a classic member may ask for.",
    )
    group_max_session_timeout_ms = setting(
        "group.max.session.timeout.ms",
        1800000,
        kind=INT,
        doc="The longest session timeout that a classic member may ask for.",
    )
    group_max_size = setting(
        "group.max.size",
        INT_MAX,
        kind=INT,
        at_least=1,
        doc="Members of a classic group.",
    )
    group_coordinator_rebalance_protocols = setting(
        "group.coordinator.rebalance.protocols",
        ("classic", "consumer", "streams"),
        kind=LIST,
        allow_empty=False,
        one_of=("consumer", "classic", "share", "streams"),
        doc="The group protocols that are on offer.",
        **_LATER,
    )
    group_consumer_assignors = setting(
        "group.consumer.assignors",
        ("uniform", "range"),
        kind=LIST,
        doc="The assignors of KIP-848 groups; the first is the default.",
        **_LATER,
    )
    group_consumer_migration_policy = setting(
        "group.consumer.migration.policy",
        "bidirectional",
        kind=STRING,
        check=one_of_any_case("DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"),
        doc="Whether a group may change between the classic and the KIP-848 protocol while it "
        "has members.",
        **_LATER,
    )
    group_consumer_session_timeout_ms = setting(
        "group.consumer.session.timeout.ms",
        45000,
        kind=INT,
        at_least=1,
        hostile=(500, 5000, 45000),
        doc="A KIP-848 member that was not heard of for this long is removed.",
        **_LATER,
    )
    group_consumer_min_session_timeout_ms = setting(
        "group.consumer.min.session.timeout.ms",
        45000,
        kind=INT,
        at_least=1,
        doc="The lowest consumer.session.timeout.ms of a group.",
        **_LATER,
    )
    group_consumer_max_session_timeout_ms = setting(
        "group.consumer.max.session.timeout.ms",
        60000,
        kind=INT,
        at_least=1,
        doc="The highest consumer.session.timeout.ms of a group.",
        **_LATER,
    )
    group_consumer_heartbeat_interval_ms = setting(
        "group.consumer.heartbeat.interval.ms",
        5000,
        kind=INT,
        at_least=1,
        hostile=(50, 500, 5000),
        doc="How often a KIP-848 member is told to heartbeat.",
        **_LATER,
    )
    group_consumer_min_heartbeat_interval_ms = setting(
        "group.consumer.min.heartbeat.interval.ms",
        5000,
        kind=INT,
        at_least=1,
        doc="The lowest consumer.heartbeat.interval.ms of a group.",
        **_LATER,
    )
    group_consumer_max_heartbeat_interval_ms = setting(
        "group.consumer.max.heartbeat.interval.ms",
        15000,
        kind=INT,
        at_least=1,
        doc="The highest consumer.heartbeat.interval.ms of a group.",
        **_LATER,
    )
    group_consumer_max_size = setting(
        "group.consumer.max.size",
        INT_MAX,
        kind=INT,
        at_least=1,
        doc="Members of a KIP-848 group.",
        **_LATER,
    )
    group_consumer_assignment_interval_ms = setting(
        "group.consumer.assignment.interval.ms",
        1000,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        doc="The shortest time between two assignments of a group.",
        **_LATER,
    )
    group_consumer_min_assignment_interval_ms = setting(
        "group.consumer.min.assignment.interval.ms",
        0,
        kind=INT,
        at_least=0,
        doc="The lowest consumer.assignment.interval.ms of a group.",
        **_LATER,
    )
    group_consumer_max_assignment_interval_ms = setting(
        "group.consumer.max.assignment.interval.ms",
        15000,
        kind=INT,
        at_least=0,
        doc="The highest consumer.assignment.interval.ms of a group.",
        **_LATER,
    )
    offset_metadata_max_bytes = setting(
        "offset.metadata.max.bytes",
        4096,
        kind=INT,
        doc="The longest text that a client may store beside an offset.",
    )
    offsets_commit_timeout_ms = setting(
        "offsets.commit.timeout.ms",
        5000,
        kind=INT,
        at_least=1,
        doc="How long a commit of offsets may wait for the replicas.",
    )
    offsets_retention_minutes = setting(
        "offsets.retention.minutes",
        10080,
        kind=INT,
        at_least=1,
        doc="How long the offsets of an empty group are kept.",
    )
    offsets_retention_check_interval_ms = setting(
        "offsets.retention.check.interval.ms",
        600000,
        kind=LONG,
        at_least=1,
        doc="How often expired offsets are searched for.",
    )
    offsets_topic_num_partitions = setting(
        "offsets.topic.num.partitions",
        50,
        kind=INT,
        at_least=1,
        hostile=(1, 3),
        doc="Partitions of __consumer_offsets, fixed when that topic is created.",
    )
    offsets_topic_replication_factor = setting(
        "offsets.topic.replication.factor",
        3,
        kind=SHORT,
        at_least=1,
        doc="Replicas of __consumer_offsets; it is not created before there are so many brokers.",
    )
    offsets_topic_segment_bytes = setting(
        "offsets.topic.segment.bytes",
        104857600,
        kind=INT,
        at_least=1,
        doc="Segment size of __consumer_offsets.",
    )
    offsets_topic_compression_codec = setting(
        "offsets.topic.compression.codec",
        0,
        kind=INT,
        doc="Codec of __consumer_offsets by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.",
    )
