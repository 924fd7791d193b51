"""AlterPartition (api key 56): asks the controller to change a partition's ISR (KIP-497).

v2: adds TopicId field to replace TopicName field (KIP-841).
v3: adds the NewIsrEpochs field and deprecates the NewIsr field (KIP-903).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int8,
    Int16,
    Int32,
    Int64,
    Message,
    Struct,
    Uuid,
    ignorable,
    since,
    until,
)


class AlterPartitionRequest(Message, api_key=56, versions=(2, 3), flexible=0):
    broker_id: Int32 = 0
    broker_epoch: Int64 = -1
    topics: list[AlterPartitionRequestTopicData] = FRESH


class AlterPartitionRequestTopicData(Struct):
    topic_id: Annotated[Uuid, ignorable] = ZERO_UUID
    partitions: list[AlterPartitionRequestPartitionData] = FRESH


class AlterPartitionRequestPartitionData(Struct):
    partition_index: Int32 = 0
    leader_epoch: Int32 = 0
    # the ISR for this partition. Deprecated since version 3
    new_isr: Annotated[list[Int32], until(2)] = FRESH
    new_isr_with_epochs: Annotated[list[BrokerState], since(3)] = FRESH
    # 1 if the partition is recovering from an unclean leader election; 0 otherwise
    leader_recovery_state: Int8 = 0
    # expected epoch of the partition which is being updated
    partition_epoch: Int32 = 0


class BrokerState(Struct):
    broker_id: Int32 = 0
    # epoch of the broker. It will be -1 if the epoch check is not supported
    broker_epoch: Int64 = -1


class AlterPartitionResponse(Message, api_key=56, versions=(2, 3), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    topics: list[AlterPartitionResponseTopicData] = FRESH


class AlterPartitionResponseTopicData(Struct):
    topic_id: Annotated[Uuid, ignorable] = ZERO_UUID
    partitions: list[AlterPartitionResponsePartitionData] = FRESH


class AlterPartitionResponsePartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0
    isr: list[Int32] = FRESH
    # 1 if the partition is recovering from an unclean leader election; 0 otherwise
    leader_recovery_state: Annotated[Int8, ignorable] = 0
    # current epoch for the partition for KRaft controllers
    partition_epoch: Int32 = 0
