"""AlterPartition (56): a leader reports which replicas are in sync with it (KIP-497).

The leader names what it acts on (leader epoch and partition epoch), so that a report that was
overtaken is refused, and the broker epochs of the replicas, so that one that has been restarted
since is not taken for its former self (KIP-903). Here a reassignment is completed: with the report
that its new replicas are in sync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.brokers import check_broker_epoch
from minikafka.controller.decision import Decision
from minikafka.controller.leadership import may_lead
from minikafka.controller.partition_change import (
    RECOVERED,
    RECOVERING,
    PartitionTarget,
    change_partition,
)
from minikafka.metadata.replay import LEADER_UNCHANGED, changed_partition
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionResponse,
    AlterPartitionResponsePartitionData,
    AlterPartitionResponseTopicData,
    BrokerState,
)

if TYPE_CHECKING:
    from uuid import UUID

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import PartitionImage, TopicImage
    from minikafka.protocol.messages.alter_partition import AlterPartitionRequestPartitionData
    from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord
    from minikafka.settings.topic import TopicSettings

ANY_EPOCH = -1
"""The broker epoch of a replica whose fetches do not tell it."""


def decide(
    state: ControllerState, request: AlterPartitionRequest, version: int
) -> Decision[AlterPartitionResponse]:
    """Take over the reports that hold; each partition fails by itself.

    KafkaError STALE_BROKER_EPOCH when the leader that reports has been restarted.
    """
    if not request.topics:  # Whoever reports nothing need not be anybody.
        return Decision([], AlterPartitionResponse())
    check_broker_epoch(state, request.broker_id, request.broker_epoch)
    changes: dict[tuple[UUID, int], MetadataRecord] = {}
    defaults = state.topic_defaults()  # asked for once: a request may name thousands of partitions
    topics = []
    for asked in request.topics:
        results = []
        for report in asked.partitions:
            index = report.partition_index
            try:
                partition, record = _altered(
                    state, request.broker_id, asked.topic_id, report, defaults
                )
            except KafkaError as error:
                result = _refusal(index, error.code)
            else:
                if record is not None:
                    changes[asked.topic_id, index] = record
                result = _answer(index, partition, record, request.broker_id)
            results.append(result)
        topics.append(AlterPartitionResponseTopicData(topic_id=asked.topic_id, partitions=results))
    records = list(changes.values())
    return Decision(records, AlterPartitionResponse(topics=topics), atomic=False)


def _altered(
    state: ControllerState,
    leader: int,
    topic_id: UUID,
    report: AlterPartitionRequestPartitionData,
    defaults: TopicSettings,
) -> tuple[PartitionImage, PartitionChangeRecord | None]:
    """The partition as it is, and what changes in it. KafkaError when the report does not hold."""
    topic = state.image.topics_by_id.get(topic_id)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    partition = topic.partitions.get(report.partition_index)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    _check_epochs(partition, leader, report)
    isr = report.new_isr_with_epochs or [BrokerState(broker_id=r) for r in report.new_isr]
    replicas = [member.broker_id for member in isr]
    _check_isr(partition, leader, replicas, report.leader_recovery_state)
    if not all(_is_eligible(state, member) for member in isr):
        raise KafkaError(ErrorCode.INELIGIBLE_REPLICA)
    return partition, _change(state, topic, report, replicas, defaults)


def _check_epochs(
    partition: PartitionImage, leader: int, report: AlterPartitionRequestPartitionData
) -> None:
    if (
        report.leader_epoch > partition.leader_epoch
        or report.partition_epoch > partition.partition_epoch
    ):
        # The leader has seen more than this controller: another one must be active by now.
        raise KafkaError(ErrorCode.NOT_CONTROLLER)
    if report.leader_epoch < partition.leader_epoch:
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
    if leader != partition.leader:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if report.partition_epoch < partition.partition_epoch:
        raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION)


def _check_isr(partition: PartitionImage, leader: int, isr: list[int], recovery_state: int) -> None:
    """The leader and some of its replicas, once each; alone while it recovers (KIP-704)."""
    if leader not in isr or len(set(isr)) < len(isr) or not set(isr) <= set(partition.replicas):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if recovery_state == RECOVERED:
        return
    if recovery_state != RECOVERING or partition.leader_recovery_state == RECOVERED or len(isr) > 1:
        raise KafkaError(ErrorCode.INVALID_REQUEST)


def _is_eligible(state: ControllerState, member: BrokerState) -> bool:
    """Whether this very process of the broker is up, and not about to leave."""
    broker = state.image.brokers.get(member.broker_id)
    return (
        broker is not None and broker.is_active and member.broker_epoch in (ANY_EPOCH, broker.epoch)
    )


def _change(
    state: ControllerState,
    topic: TopicImage,
    report: AlterPartitionRequestPartitionData,
    isr: list[int],
    defaults: TopicSettings,
) -> PartitionChangeRecord | None:
    partition = topic.partitions[report.partition_index]
    target = PartitionTarget(partition)
    target.isr = isr
    target.recovery_state = report.leader_recovery_state
    return change_partition(
        topic.topic_id,
        report.partition_index,
        target,
        may_lead=lambda replica: may_lead(state, partition, replica),
        rules=state.partition_rules(topic, defaults),
    )


def _answer(
    index: int, partition: PartitionImage, record: PartitionChangeRecord | None, asked_by: int
) -> AlterPartitionResponsePartitionData:
    if record is not None:
        if record.leader not in (LEADER_UNCHANGED, asked_by):
            # Done, but not for the one who asked: a reassignment is complete and has moved the
            # leader. The new state reaches it as metadata.
            return _refusal(index, ErrorCode.NEW_LEADER_ELECTED)
        partition = changed_partition(partition, record)
    return AlterPartitionResponsePartitionData(
        partition_index=index,
        leader_id=partition.leader,
        leader_epoch=partition.leader_epoch,
        isr=partition.isr,
        leader_recovery_state=partition.leader_recovery_state,
        partition_epoch=partition.partition_epoch,
    )


def _refusal(index: int, code: ErrorCode) -> AlterPartitionResponsePartitionData:
    return AlterPartitionResponsePartitionData(partition_index=index, error_code=code)
