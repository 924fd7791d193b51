"""ElectLeaders (api key 43): starts preferred or unclean leader elections.

v1: election_type, and a top-level error_code (KIP-460).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Message, String, Struct, since


class ElectLeadersRequest(Message, api_key=43, versions=(0, 2), flexible=2):
    # type of elections to conduct for the partition. A value of '0' elects the preferred
    # replica. A value of '1' elects the first live replica if there are no in-sync replica
    election_type: Annotated[Int8, since(1)] = 0
    topic_partitions: list[TopicPartitions] | None = FRESH
    timeout_ms: Int32 = 60000


class TopicPartitions(Struct):
    topic: String = ""
    partitions: list[Int32] = FRESH


class ElectLeadersResponse(Message, api_key=43, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, since(1)] = 0
    # election results, or an empty array if the requester did not have permission and the
    # request asks for all partitions
    replica_election_results: list[ReplicaElectionResult] = FRESH


class ReplicaElectionResult(Struct):
    topic: String = ""
    partition_result: list[PartitionResult] = FRESH


class PartitionResult(Struct):
    partition_id: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
