"""ElectLeaders (43): bring the leadership back to the preferred replica, or force one (KIP-460).

A partition whose leader is already right is answered ELECTION_NOT_NEEDED, and is left out when all
partitions were asked for.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.leadership import may_lead
from minikafka.controller.partition_change import Election, PartitionTarget, change_partition
from minikafka.metadata.replay import LEADER_UNCHANGED
from minikafka.metadata.topic_image import NO_LEADER
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import PartitionImage
    from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord


class ElectionType(IntEnum):
    """PREFERRED: the first replica, if it is in sync. UNCLEAN: any, where nobody leads."""

    PREFERRED = 0
    UNCLEAN = 1


def decide(
    state: ControllerState, request: ElectLeadersRequest, version: int
) -> Decision[ElectLeadersResponse]:
    """Elections for the partitions asked for, or for all. KafkaError 42 for an unknown type."""
    asked = request.topic_partitions
    if asked is not None and not asked:
        return Decision([], ElectLeadersResponse())
    if request.election_type not in list(ElectionType):
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Unknown election type {request.election_type}"
        )
    elections = _Elections(state, ElectionType(request.election_type))
    if asked is None:
        results = [
            elections.of_topic(topic.name, topic.partitions, only_needed=True)
            for topic in state.image.topics.values()
        ]
    else:
        results = [elections.of_topic(topic.topic, topic.partitions) for topic in asked]
    response = ElectLeadersResponse(replica_election_results=results)
    return Decision(elections.records, response, atomic=False)


_ELECTIONS = {
    ElectionType.PREFERRED: Election.PREFERRED,
    ElectionType.UNCLEAN: Election.UNCLEAN,
}


class _Elections:
    """The elections of one request; `records` are what they come to."""

    def __init__(self, state: ControllerState, kind: ElectionType) -> None:
        self.records: list[MetadataRecord] = []
        self._state = state
        self._kind = kind
        self._defaults = state.topic_defaults()
        self._elected: set[tuple[str, int]] = set()

    def of_topic(
        self, topic: str, indexes: Iterable[int], *, only_needed: bool = False
    ) -> ReplicaElectionResult:
        results = []
        for index in indexes:
            result = PartitionResult(partition_id=index, error_message=None)
            try:
                self.records.append(self._elect(topic, index))
            except KafkaError as error:
                if only_needed and error.code is ErrorCode.ELECTION_NOT_NEEDED:
                    continue
                result.error_code, result.error_message = error.code, error.message
            results.append(result)
        return ReplicaElectionResult(topic=topic, partition_result=results)

    def _elect(self, name: str, index: int) -> PartitionChangeRecord:
        """Raises KafkaError: 3, 84 when nothing is to be done, 80 or 83 when nobody may lead."""
        topic = self._state.image.topics.get(name)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {name}")
        partition = topic.partitions.get(index)
        if partition is None:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such partition as {name}-{index}"
            )
        if (name, index) in self._elected or self._has_right_leader(partition):
            raise KafkaError(ErrorCode.ELECTION_NOT_NEEDED)
        record = change_partition(
            topic.topic_id,
            index,
            PartitionTarget(partition),
            may_lead=lambda replica: may_lead(self._state, partition, replica),
            rules=self._state.partition_rules(topic, self._defaults),
            election=_ELECTIONS[self._kind],
        )
        if record is None or record.leader in (NO_LEADER, LEADER_UNCHANGED):
            raise KafkaError(
                ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE
                if self._kind is ElectionType.PREFERRED
                else ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
            )
        self._elected.add((name, index))
        return record

    def _has_right_leader(self, partition: PartitionImage) -> bool:
        if self._kind is ElectionType.PREFERRED:
            return partition.leader == partition.replicas[0]
        return partition.leader != NO_LEADER
