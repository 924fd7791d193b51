"""Offsets by timestamp, or of a log's start and end (ListOffsets), asked of each leader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from minikafka_client.cluster import Cluster
from minikafka_client.errors import BrokerError, ClientError, NotConnected
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
            await ask_leaders(cluster, missing, found, deadline, isolation_level)
        except (NotConnected, BrokerError) as error:
            if not error.retriable:
                raise
            await cluster.pause(backoff, deadline)
            await cluster.refresh({place.topic for place in missing}, cluster.remaining(deadline))
    return found


async def ask_leaders(
    cluster: Cluster,
    asked: Mapping[TopicPartition, int],
    found: dict[TopicPartition, FoundOffset],
    deadline: float,
    isolation_level: int,
) -> None:
    """One attempt: adds to `found` what is told, then raises the last failure.

    That is BrokerError, NotConnected, or Timeout.
    """
    failure: ClientError | None = None
    by_leader: dict[int, dict[str, list[ListOffsetsPartition]]] = {}
    for (topic, partition), stamp in asked.items():
        leader = cluster.leader(topic, partition)
        if leader < 0:
            failure = BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, f"{topic}-{partition}")
            continue
        wanted = ListOffsetsPartition(partition_index=partition, timestamp=stamp)
        by_leader.setdefault(leader, {}).setdefault(topic, []).append(wanted)
    for leader, topics in by_leader.items():
        request = ListOffsetsRequest(
            replica_id=-1,
            isolation_level=isolation_level,
            topics=[ListOffsetsTopic(name=name, partitions=each) for name, each in topics.items()],
        )
        try:
            answer = await cluster.ask(
                leader, request, ListOffsetsResponse, deadline, at_most=_AT_MOST
            )
        except NotConnected as error:
            failure = error
            continue
        for answered in answer.topics:
            for each in answered.partitions:
                place = TopicPartition(answered.name, each.partition_index)
                if each.error_code:
                    failure = BrokerError(each.error_code, f"{place.topic}-{place.partition}")
                else:
                    found[place] = FoundOffset(each.offset, each.timestamp, each.leader_epoch)
    if failure is not None:
        raise failure
