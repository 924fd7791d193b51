"""Accepted keys of share groups, streams groups and coordinators. See `accepted`."""

from typing import Final

TABLE: Final = """\
group.coordinator.threads: int = 4, 1..
    Kafka's threads of the group coordinator. There are none here.
group.coordinator.background.threads: int = 2, 1..
    Kafka's threads for regular expressions and assignments. There are none here.
group.coordinator.append.linger.ms: int = -1, -1..
    How long the group coordinator gathers records before it writes. -1: as the load suggests.
group.coordinator.cached.buffer.max.bytes: int = 1048588, 524288.., cluster-wide
    The largest write buffer that the group coordinator keeps for another use.
offsets.load.buffer.size: int = 5242880, 1..
    Bytes that are read at a time while groups are loaded.
transaction.state.log.load.buffer.size: int = 5242880, 1..
    Bytes that are read at a time while transactions are loaded.
group.share.assignors: list = simple
    The assignor of share groups.
group.share.session.timeout.ms: int = 45000, 1..
    A share member that was not heard of for this long is removed.
group.share.min.session.timeout.ms: int = 45000, 1..
    The lowest share.session.timeout.ms of a group.
group.share.max.session.timeout.ms: int = 60000, 1..
    The highest share.session.timeout.ms of a group.
group.share.heartbeat.interval.ms: int = 5000, 1..
    How often a share member is told to heartbeat.
group.share.min.heartbeat.interval.ms: int = 5000, 1..
    The lowest share.heartbeat.interval.ms of a group.
group.share.max.heartbeat.interval.ms: int = 15000, 1..
    The highest share.heartbeat.interval.ms of a group.
group.share.assignment.interval.ms: int = 1000, 0.., cluster-wide
    The shortest time between two assignments of a share group.
group.share.min.assignment.interval.ms: int = 0, 0..
    The lowest share.assignment.interval.ms of a group.
group.share.max.assignment.interval.ms: int = 15000, 0..
    The highest share.assignment.interval.ms of a group.
group.share.delivery.count.limit: int = 5, 2..10
    How often a record is offered before it is given up.
group.share.min.delivery.count.limit: int = 2, 2..5
    The lowest share.delivery.count.limit of a group.
group.share.max.delivery.count.limit: int = 10, 5..25
    The highest share.delivery.count.limit of a group.
group.share.partition.max.record.locks: int = 2000, 100..10000
    Records of a partition that may be handed out at a time.
group.share.min.partition.max.record.locks: int = 100, 100..2000
    The lowest share.partition.max.record.locks of a group.
group.share.max.partition.max.record.locks: int = 4000, 2000..10000
    The highest share.partition.max.record.locks of a group.
group.share.record.lock.duration.ms: int = 30000, 1000..3600000
    How long a record is handed out before another member may have it.
group.share.min.record.lock.duration.ms: int = 15000, 1000..30000
    The lowest share.record.lock.duration.ms of a group.
group.share.max.record.lock.duration.ms: int = 60000, 30000..3600000
    The highest share.record.lock.duration.ms of a group.
group.share.max.share.sessions: int = 2000, 1..
    Share sessions that this broker keeps at a time.
group.share.max.size: int = 200, 1..1000
    Members of a share group.
group.streams.session.timeout.ms: int = 45000, 1..
    A streams member that was not heard of for this long is removed.
group.streams.min.session.timeout.ms: int = 45000, 1..
    The lowest streams.session.timeout.ms of a group.
group.streams.max.session.timeout.ms: int = 60000, 1..
    The highest streams.session.timeout.ms of a group.
group.streams.heartbeat.interval.ms: int = 5000, 1..
    How often a streams member is told to heartbeat.
group.streams.min.heartbeat.interval.ms: int = 5000, 1..
    The lowest streams.heartbeat.interval.ms of a group.
group.streams.max.heartbeat.interval.ms: int = 15000, 1..
    The highest streams.heartbeat.interval.ms of a group.
group.streams.assignment.interval.ms: int = 1000, 0.., cluster-wide
    The shortest time between two assignments of a streams group.
group.streams.min.assignment.interval.ms: int = 0, 0..
    The lowest streams.assignment.interval.ms of a group.
group.streams.max.assignment.interval.ms: int = 15000, 0..
    The highest streams.assignment.interval.ms of a group.
group.streams.initial.rebalance.delay.ms: int = 3000, 0..
    How long the first rebalance of a streams group waits for more members.
group.streams.max.size: int = 2147483647, 1..
    Members of a streams group.
group.streams.num.standby.replicas: int = 0, 0..
    Standby copies of each task.
group.streams.max.standby.replicas: int = 2, 0..
    The highest streams.num.standby.replicas of a group.
share.coordinator.threads: int = 1, 1..
    Kafka's threads of the share coordinator. There are none here.
share.coordinator.append.linger.ms: int = -1, -1..
    How long the share coordinator gathers records before it writes. -1: as the load suggests.
share.coordinator.cached.buffer.max.bytes: int = 1048588, 524288.., cluster-wide
    The largest write buffer that the share coordinator keeps for another use.
share.coordinator.load.buffer.size: int = 5242880, 1..
    Bytes that are read at a time while share states are loaded.
share.coordinator.write.timeout.ms: int = 5000, 1..
    How long a write of share state may wait for the replicas.
share.coordinator.snapshot.update.records.per.snapshot: int = 500, 0..500
    Updates of a share state between two whole copies of it.
share.coordinator.state.topic.num.partitions: int = 50, 1..
    Partitions of __share_group_state, fixed when that topic is created.
share.coordinator.state.topic.replication.factor: short = 3, 1..
    Replicas of __share_group_state; it is not created before there are so many brokers.
share.coordinator.state.topic.min.isr: short = 2, 1..
    min.insync.replicas of __share_group_state.
share.coordinator.state.topic.segment.bytes: int = 104857600, 1..
    Segment size of __share_group_state.
share.coordinator.state.topic.compression.codec: int = 0
    Codec of __share_group_state by number.
"""
