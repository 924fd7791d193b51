"""Where a follower's log and its leader's part: what is cut off here, and where to go on.

What a leader does not have was never committed, unless it was elected without having been in sync.
The leader names the epoch and offset of the fork in its answer to a fetch (KIP-595); only when the
follower's end lies outside of its log altogether must it be asked for both ends.
"""

from __future__ import annotations

import logging

from minikafka.channel.channel import Channel
from minikafka.log.partition_log import PartitionLog
from minikafka.protocol.messages.fetch import EpochEndOffset
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from minikafka.replication.leader_session import Followed, truncation_offset
from minikafka.replication.surroundings import Surroundings

logger = logging.getLogger("minikafka.replicas")

_LATEST, _EARLIEST = -1, -2


async def part(around: Surroundings, followed: Followed, diverging: EpochEndOffset) -> bool:
    """The leader has not got all that is here: cut it off. False if there was nothing to cut."""
    partition = followed.partition
    before = followed.position()
    offset = truncation_offset(partition, diverging.epoch, diverging.end_offset)
    await cut(around, followed, offset)
    return followed.position() != before


async def cut(around: Surroundings, followed: Followed, offset: int) -> None:
    """Cut the log to end at `offset`; what was committed here is not any more."""
    partition = followed.partition
    before = partition.log.log_end_offset
    home = around.logs.homes[partition.topic, partition.index]
    await home.truncate_log(partition.topic, partition.index, offset, lambda: followed.is_wanted)
    if followed.is_wanted:
        end_offset = partition.log.log_end_offset
        partition.high_watermark = min(partition.high_watermark, end_offset)
        logger.info("%r: cut from offset %d to %d", partition, before, end_offset)


async def note_gaps(around: Surroundings, followed: Followed) -> None:
    """Offsets are missing from the leader's log, as compaction leaves it: recovery must know."""
    partition = followed.partition
    assert isinstance(partition.log, PartitionLog)
    home = around.logs.homes[partition.topic, partition.index]
    await around.logs.cleaner_offsets.of(home).announce(partition.log)


async def begin_at(around: Surroundings, followed: Followed, offset: int) -> None:
    """Empty the log and begin anew at `offset`, the leader's log start or a batch around it."""
    partition = followed.partition
    home = around.logs.homes[partition.topic, partition.index]
    await home.truncate_log_fully(
        partition.topic, partition.index, offset, lambda: followed.is_wanted
    )
    if followed.is_wanted:
        partition.high_watermark = offset
        logger.info("%r: begins anew at the leader's offset %d", partition, offset)


async def find_range(around: Surroundings, followed: Followed, channel: Channel) -> bool:
    """The leader's log does not reach to where ours ends, or begins behind that.

    Follow it there; False if that is not so, or not any more. Raises ChannelError, OSError.
    """
    partition = followed.partition
    end_offset = partition.log.log_end_offset
    latest = await _leaders_offset(around, followed, channel, _LATEST)
    earliest = await _leaders_offset(around, followed, channel, _EARLIEST)
    if latest is None or earliest is None or not followed.is_wanted:
        return False
    if latest < end_offset:
        # A leader that was elected without having been in sync.
        await cut(around, followed, latest)
        return True
    if earliest > end_offset:
        await begin_at(around, followed, earliest)
        return True
    return False


async def _leaders_offset(
    around: Surroundings, followed: Followed, channel: Channel, timestamp: int
) -> int | None:
    """A special offset of the leader's log as replicas see it, None if it does not tell."""
    partition = followed.partition
    wanted = ListOffsetsPartition(
        partition_index=partition.index,
        current_leader_epoch=followed.leader_epoch,
        timestamp=timestamp,
    )
    request = ListOffsetsRequest(
        replica_id=around.settings.node_id,
        topics=[ListOffsetsTopic(name=partition.topic, partitions=[wanted])],
    )
    timeout_s = around.settings.replica_socket_timeout_ms / 1000
    response = await channel.call(request, ListOffsetsResponse, timeout_s)
    for topic in response.topics:
        for found in topic.partitions:
            if not found.error_code:
                return found.offset
    return None
