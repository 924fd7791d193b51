"""An image as the fewest records that make it again: the content of a metadata snapshot.

Order as in Kafka's `.checkpoint` files: features first (a reader must know the metadata.version),
brokers and controllers with everything folded in, each topic followed by its partitions, configs,
quotas, producer ids, then security. No no-op, change or transaction records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.metadata.features import KRAFT_VERSION, METADATA_VERSION
from minikafka.metadata.record_versions import has_directories
from minikafka.protocol.records.metadata.client_quota_record import ClientQuotaRecord, EntityData
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.producer_ids_record import ProducerIdsRecord
from minikafka.protocol.records.metadata.register_broker_record import (
    BrokerEndpoint,
    BrokerFeature,
    RegisterBrokerRecord,
)
from minikafka.protocol.records.metadata.register_controller_record import (
    ControllerEndpoint,
    ControllerFeature,
    RegisterControllerRecord,
)
from minikafka.protocol.records.metadata.topic_record import TopicRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from minikafka.metadata.image import MetadataImage, PartitionImage
    from minikafka.metadata.replay import MetadataRecord


def snapshot_records(image: MetadataImage) -> Iterator[MetadataRecord]:
    """The records of a snapshot of `image`; replayed into an empty image they give an equal one."""
    yield from _features(image)
    yield from _brokers(image)
    yield from _controllers(image)
    yield from _topics(image)
    yield from _configs(image)
    yield from _client_quotas(image)
    yield from _producer_ids(image)
    yield from image.acls.values()
    yield from image.scram_credentials.values()
    yield from image.delegation_tokens.values()


def _features(image: MetadataImage) -> Iterator[MetadataRecord]:
    names = sorted(image.features, key=lambda name: (name != METADATA_VERSION, name))
    for name in names:
        if (
            name != KRAFT_VERSION
        ):  # a control record of the quorum, which whoever writes the file adds
            yield FeatureLevelRecord(name=name, feature_level=image.features[name])


def _brokers(image: MetadataImage) -> Iterator[MetadataRecord]:
    for broker in image.brokers.values():
        yield RegisterBrokerRecord(
            broker_id=broker.broker_id,
            incarnation_id=broker.incarnation_id,
            broker_epoch=broker.epoch,
            end_points=[
                BrokerEndpoint(
                    name=e.name, host=e.host, port=e.port, security_protocol=e.security_protocol
                )
                for e in broker.endpoints
            ],
            features=[
                BrokerFeature(
                    name=name, min_supported_version=lowest, max_supported_version=highest
                )
                for name, (lowest, highest) in broker.features.items()
            ],
            rack=broker.rack,
            fenced=broker.fenced,
            in_controlled_shutdown=broker.in_controlled_shutdown,
            log_dirs=list(broker.log_dirs),
            cordoned_log_dirs=broker.cordoned_log_dirs,
        )


def _controllers(image: MetadataImage) -> Iterator[MetadataRecord]:
    for controller in image.controllers.values():
        yield RegisterControllerRecord(
            controller_id=controller.controller_id,
            incarnation_id=controller.incarnation_id,
            zk_migration_ready=controller.zk_migration_ready,
            end_points=[
                ControllerEndpoint(
                    name=e.name, host=e.host, port=e.port, security_protocol=e.security_protocol
                )
                for e in controller.endpoints
            ],
            features=[
                ControllerFeature(
                    name=name, min_supported_version=lowest, max_supported_version=highest
                )
                for name, (lowest, highest) in controller.features.items()
            ],
        )


def _topics(image: MetadataImage) -> Iterator[MetadataRecord]:
    directories = has_directories(image.features.get(METADATA_VERSION, 0))
    for topic in image.topics.values():
        yield TopicRecord(name=topic.name, topic_id=topic.topic_id)
        for index, partition in topic.partitions.items():
            yield partition_record(topic.topic_id, index, partition, directories)


def partition_record(
    topic_id: UUID, index: int, partition: PartitionImage, directories: bool
) -> PartitionRecord:
    """The record that makes this partition; without its directories where they are not known."""

    return PartitionRecord(
        partition_id=index,
        topic_id=topic_id,
        replicas=list(partition.replicas),
        isr=list(partition.isr),
        removing_replicas=list(partition.removing_replicas),
        adding_replicas=list(partition.adding_replicas),
        leader=partition.leader,
        leader_recovery_state=partition.leader_recovery_state,
        leader_epoch=partition.leader_epoch,
        partition_epoch=partition.partition_epoch,
        directories=list(partition.directories) if directories else [],
        # Null and empty mean the same to a reader; Kafka writes null.
        eligible_leader_replicas=list(partition.elr) or None,
        last_known_elr=list(partition.last_known_elr) or None,
    )


def _configs(image: MetadataImage) -> Iterator[MetadataRecord]:
    for (resource_type, resource_name), values in image.configs.items():
        for name, value in values.items():
            yield ConfigRecord(
                resource_type=resource_type, resource_name=resource_name, name=name, value=value
            )


def _client_quotas(image: MetadataImage) -> Iterator[MetadataRecord]:
    for entity, quotas in image.client_quotas.items():
        for key, value in quotas.items():
            parts = [EntityData(entity_type=kind, entity_name=name) for kind, name in entity]
            yield ClientQuotaRecord(entity=parts, key=key, value=value, remove=False)


def _producer_ids(image: MetadataImage) -> Iterator[MetadataRecord]:
    if image.next_producer_id:
        yield ProducerIdsRecord(
            broker_id=-1, broker_epoch=-1, next_producer_id=image.next_producer_id
        )
