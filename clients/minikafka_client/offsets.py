"""Offsets by timestamp, or of a log's start and end (ListOffsets), asked of each leader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from minikafka.protocol.errors import ErrorCode, error_code
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from minikafka_client.cluster import Cluster
from minikafka_client.errors import BrokerError, NotConnected
from minikafka_client.fetched import TopicPartition

LATEST: Final = -1
EARLIEST: Final = -2
MAX_TIMESTAMP: Final = -3
_AT_MOST: Final = 8


class FoundOffset(NamedTuple):
    """An offset and its record's timestamp (ms); -1 where there is none."""

    offset: int
    timestamp_ms: int
    leader_epoch: int


async def list_offsets(
    cluster: Cluster, asked: Mapping[TopicPartition, int], deadline: float, isolation_level: int = 0
) -> dict[TopicPartition, FoundOffset]:
    """The offset of each partition for a timestamp (ms) or a special one from above.

    Tries again after retriable errors. Raises BrokerError, Timeout.
    """
    found: dict[TopicPartition, FoundOffset] = {}
    backoff = cluster.backoff()
    while len(found) < len(asked):
        missing = {place: stamp for place, stamp in asked.items() if place not in found}
        try:
            await _ask_leaders(cluster, missing, found, deadline, isolation_level)
        except (NotConnected, BrokerError) as error:
            if not error.retriable:
                raise
            await cluster.pause(backoff, deadline)
            await cluster.refresh({place.topic for place in missing}, cluster.remaining(deadline))
    return found


async def _ask_leaders(
    cluster: Cluster,
    asked: Mapping[TopicPartition, int],
    found: dict[TopicPartition, FoundOffset],
    deadline: float,
    isolation_level: int,
) -> None:
    by_leader: dict[int, dict[str, list[ListOffsetsPartition]]] = {}
    for (topic, partition), stamp in asked.items():
        leader = cluster.leader(topic, partition)
        if leader < 0:
            raise BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, f"{topic}-{partition}")
        wanted = ListOffsetsPartition(partition_index=partition, timestamp=stamp)
        by_leader.setdefault(leader, {}).setdefault(topic, []).append(wanted)
    for leader, topics in by_leader.items():
        request = ListOffsetsRequest(
            replica_id=-1,
            isolation_level=isolation_level,
            topics=[ListOffsetsTopic(name=name, partitions=each) for name, each in topics.items()],
        )
        answer = await cluster.ask(leader, request, ListOffsetsResponse, deadline, at_most=_AT_MOST)
        for answered in answer.topics:
            for each in answered.partitions:
                place = TopicPartition(answered.name, each.partition_index)
                found[place] = _offset(place, each)


def _offset(place: TopicPartition, answer: ListOffsetsPartitionResponse) -> FoundOffset:
    code = error_code(answer.error_code)
    if code != ErrorCode.NONE:
        raise BrokerError(code, f"{place.topic}-{place.partition}")
    return FoundOffset(answer.offset, answer.timestamp, answer.leader_epoch)
