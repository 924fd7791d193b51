"""What each record of the metadata log changes in an image (schemas: kafka-metadata, Kafka 4.3).

One function a record type, in the order of the type numbers; `REPLAY_BY_TYPE` is the table.
Replay never refuses: the record is in the log, and whether it was a good idea was decided before
it was written. What cannot be (a partition of an unknown topic) is an `assert`: the log is broken.

The record classes are needed for types only; a record is recognised by its `api_key`, so that
nothing is imported before a record of its type was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from minikafka.metadata.broker_image import BrokerImage, ControllerImage, Endpoint
from minikafka.metadata.topic_image import PartitionImage, TopicImage
from minikafka.protocol.types import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from minikafka.metadata.image import MetadataImage
    from minikafka.protocol.records.metadata import (
        access_control_entry_record,
        broker_registration_change_record,
        clear_elr_record,
        client_quota_record,
        config_record,
        delegation_token_record,
        feature_level_record,
        fence_broker_record,
        partition_change_record,
        partition_record,
        producer_ids_record,
        register_broker_record,
        register_controller_record,
        remove_access_control_entry_record,
        remove_delegation_token_record,
        remove_topic_record,
        remove_user_scram_credential_record,
        topic_record,
        unfence_broker_record,
        unregister_broker_record,
        user_scram_credential_record,
    )

    Replay: TypeAlias = Callable[[MetadataImage, Any], None]

REGISTER_BROKER = 0
UNREGISTER_BROKER = 1
TOPIC = 2
PARTITION = 3
CONFIG = 4
PARTITION_CHANGE = 5
FENCE_BROKER = 7
UNFENCE_BROKER = 8
REMOVE_TOPIC = 9
DELEGATION_TOKEN = 10
USER_SCRAM_CREDENTIAL = 11
FEATURE_LEVEL = 12
CLIENT_QUOTA = 14
PRODUCER_IDS = 15
BROKER_REGISTRATION_CHANGE = 17
ACCESS_CONTROL_ENTRY = 18
REMOVE_ACCESS_CONTROL_ENTRY = 19
NO_OP = 20
ZK_MIGRATION_STATE = 21
REMOVE_USER_SCRAM_CREDENTIAL = 22
BEGIN_TRANSACTION = 23
END_TRANSACTION = 24
ABORT_TRANSACTION = 25
REMOVE_DELEGATION_TOKEN = 26
REGISTER_CONTROLLER = 27
CLEAR_ELR = 28

LEADER_UNCHANGED = -2
"""PartitionChangeRecord.Leader when the leader stays; any other value starts a new epoch."""

RECOVERY_STATE_UNCHANGED = -1


MetadataRecord: TypeAlias = Message
"""Any record of the metadata log; `api_key` is its type number."""


class _EndpointFields(Protocol):
    name: str
    host: str
    port: int
    security_protocol: int


class _FeatureFields(Protocol):
    name: str
    min_supported_version: int
    max_supported_version: int


def _endpoints(listed: Iterable[_EndpointFields]) -> list[Endpoint]:
    return [Endpoint(e.name, e.host, e.port, e.security_protocol) for e in listed]


def _features(listed: Iterable[_FeatureFields]) -> dict[str, tuple[int, int]]:
    return {f.name: (f.min_supported_version, f.max_supported_version) for f in listed}


def _register_broker(
    image: MetadataImage, record: register_broker_record.RegisterBrokerRecord
) -> None:
    image.brokers[record.broker_id] = BrokerImage(
        broker_id=record.broker_id,
        epoch=record.broker_epoch,
        incarnation_id=record.incarnation_id,
        endpoints=_endpoints(record.end_points),
        features=_features(record.features),
        rack=record.rack,
        fenced=record.fenced,
        in_controlled_shutdown=record.in_controlled_shutdown,
        log_dirs=list(record.log_dirs),
        cordoned_log_dirs=record.cordoned_log_dirs,
    )


def _unregister_broker(
    image: MetadataImage, record: unregister_broker_record.UnregisterBrokerRecord
) -> None:
    _registered(image, record.broker_id, record.broker_epoch)
    del image.brokers[record.broker_id]


def _topic(image: MetadataImage, record: topic_record.TopicRecord) -> None:
    topic = TopicImage(record.name, record.topic_id)
    image.topics[record.name] = topic
    image.topics_by_id[record.topic_id] = topic


def _partition(image: MetadataImage, record: partition_record.PartitionRecord) -> None:
    topic = image.topics_by_id[record.topic_id]
    topic.partitions[record.partition_id] = PartitionImage(
        replicas=record.replicas,
        directories=record.directories,
        isr=record.isr,
        removing_replicas=record.removing_replicas,
        adding_replicas=record.adding_replicas,
        elr=record.eligible_leader_replicas or (),
        last_known_elr=record.last_known_elr or (),
        leader=record.leader,
        leader_recovery_state=record.leader_recovery_state,
        leader_epoch=record.leader_epoch,
        partition_epoch=record.partition_epoch,
    )


def _config(image: MetadataImage, record: config_record.ConfigRecord) -> None:
    resource = (record.resource_type, record.resource_name)
    if record.value is not None:
        image.configs.setdefault(resource, {})[record.name] = record.value
        return
    values = image.configs.get(resource)
    if values is not None:
        values.pop(record.name, None)
        if not values:
            del image.configs[resource]


def changed_partition(
    partition: PartitionImage, record: partition_change_record.PartitionChangeRecord
) -> PartitionImage:
    """`partition` after this change: each absent field stays; a named leader is a new epoch."""
    leader_moves = record.leader != LEADER_UNCHANGED
    recovery_state = record.leader_recovery_state
    return PartitionImage(
        replicas=partition.replicas if record.replicas is None else record.replicas,
        directories=partition.directories if record.directories is None else record.directories,
        isr=partition.isr if record.isr is None else record.isr,
        removing_replicas=(
            partition.removing_replicas
            if record.removing_replicas is None
            else record.removing_replicas
        ),
        adding_replicas=(
            partition.adding_replicas if record.adding_replicas is None else record.adding_replicas
        ),
        elr=(
            partition.elr
            if record.eligible_leader_replicas is None
            else record.eligible_leader_replicas
        ),
        last_known_elr=(
            partition.last_known_elr if record.last_known_elr is None else record.last_known_elr
        ),
        leader=record.leader if leader_moves else partition.leader,
        leader_recovery_state=(
            partition.leader_recovery_state
            if recovery_state == RECOVERY_STATE_UNCHANGED
            else recovery_state
        ),
        leader_epoch=partition.leader_epoch + leader_moves,
        partition_epoch=partition.partition_epoch + 1,
    )


def _partition_change(
    image: MetadataImage, record: partition_change_record.PartitionChangeRecord
) -> None:
    partitions = image.topics_by_id[record.topic_id].partitions
    partitions[record.partition_id] = changed_partition(partitions[record.partition_id], record)


def _registered(image: MetadataImage, broker_id: int, broker_epoch: int) -> BrokerImage:
    broker = image.brokers[broker_id]
    assert broker.epoch == broker_epoch, f"record for epoch {broker_epoch} of {broker}"
    return broker


def _fence_broker(image: MetadataImage, record: fence_broker_record.FenceBrokerRecord) -> None:
    _registered(image, record.id, record.epoch).fenced = True


def _unfence_broker(
    image: MetadataImage, record: unfence_broker_record.UnfenceBrokerRecord
) -> None:
    _registered(image, record.id, record.epoch).fenced = False


def _remove_topic(image: MetadataImage, record: remove_topic_record.RemoveTopicRecord) -> None:
    from_id = image.topics_by_id.pop(record.topic_id)
    del image.topics[from_id.name]
    # The record speaks for the topic's configs too (2 is the topic resource type).
    image.configs.pop((2, from_id.name), None)


def _delegation_token(
    image: MetadataImage, record: delegation_token_record.DelegationTokenRecord
) -> None:
    image.delegation_tokens[record.token_id] = record


def _user_scram_credential(
    image: MetadataImage, record: user_scram_credential_record.UserScramCredentialRecord
) -> None:
    image.scram_credentials[(record.name, record.mechanism)] = record


def _feature_level(image: MetadataImage, record: feature_level_record.FeatureLevelRecord) -> None:
    if record.feature_level == 0:
        image.features.pop(record.name, None)
    else:
        image.features[record.name] = record.feature_level


def _client_quota(image: MetadataImage, record: client_quota_record.ClientQuotaRecord) -> None:
    entity = tuple(sorted((part.entity_type, part.entity_name) for part in record.entity))
    quotas = image.client_quotas.setdefault(entity, {})
    if record.remove:
        quotas.pop(record.key, None)
    else:
        quotas[record.key] = record.value
    if not quotas:
        del image.client_quotas[entity]


def _producer_ids(image: MetadataImage, record: producer_ids_record.ProducerIdsRecord) -> None:
    image.next_producer_id = record.next_producer_id


def _broker_registration_change(
    image: MetadataImage,
    record: broker_registration_change_record.BrokerRegistrationChangeRecord,
) -> None:
    broker = _registered(image, record.broker_id, record.broker_epoch)
    if record.fenced:
        broker.fenced = record.fenced > 0
    if record.in_controlled_shutdown:
        broker.in_controlled_shutdown = True
    if record.log_dirs:
        broker.log_dirs = list(record.log_dirs)
    if record.cordoned_log_dirs is not None:
        broker.cordoned_log_dirs = list(record.cordoned_log_dirs)


def _access_control_entry(
    image: MetadataImage, record: access_control_entry_record.AccessControlEntryRecord
) -> None:
    image.acls[record.id] = record


def _remove_access_control_entry(
    image: MetadataImage, record: remove_access_control_entry_record.RemoveAccessControlEntryRecord
) -> None:
    del image.acls[record.id]


def _nothing(image: MetadataImage, record: MetadataRecord) -> None:
    """NoOp keeps offsets moving; the state of a ZooKeeper migration is history in 4.x."""


def _remove_user_scram_credential(
    image: MetadataImage,
    record: remove_user_scram_credential_record.RemoveUserScramCredentialRecord,
) -> None:
    del image.scram_credentials[(record.name, record.mechanism)]


def _transaction_boundary(image: MetadataImage, record: MetadataRecord) -> None:
    raise AssertionError("metadata transactions are resolved by the loader, not by an image")


def _remove_delegation_token(
    image: MetadataImage, record: remove_delegation_token_record.RemoveDelegationTokenRecord
) -> None:
    del image.delegation_tokens[record.token_id]


def _register_controller(
    image: MetadataImage, record: register_controller_record.RegisterControllerRecord
) -> None:
    image.controllers[record.controller_id] = ControllerImage(
        controller_id=record.controller_id,
        incarnation_id=record.incarnation_id,
        endpoints=_endpoints(record.end_points),
        features=_features(record.features),
        zk_migration_ready=record.zk_migration_ready,
    )


def without_elr(partition: PartitionImage) -> PartitionImage:
    """The partition with its eligible leader replicas forgotten: a change like any other."""
    return PartitionImage(
        replicas=partition.replicas,
        directories=partition.directories,
        isr=partition.isr,
        removing_replicas=partition.removing_replicas,
        adding_replicas=partition.adding_replicas,
        leader=partition.leader,
        leader_recovery_state=partition.leader_recovery_state,
        leader_epoch=partition.leader_epoch,
        partition_epoch=partition.partition_epoch + 1,
    )


def _clear_elr(image: MetadataImage, record: clear_elr_record.ClearElrRecord) -> None:
    names = [record.topic_name] if record.topic_name else list(image.topics)
    for name in names:
        partitions = image.topics[name].partitions
        for index, partition in partitions.items():
            if partition.elr or partition.last_known_elr:
                partitions[index] = without_elr(partition)


REPLAY_BY_TYPE: dict[int, Replay] = {
    REGISTER_BROKER: _register_broker,
    UNREGISTER_BROKER: _unregister_broker,
    TOPIC: _topic,
    PARTITION: _partition,
    CONFIG: _config,
    PARTITION_CHANGE: _partition_change,
    FENCE_BROKER: _fence_broker,
    UNFENCE_BROKER: _unfence_broker,
    REMOVE_TOPIC: _remove_topic,
    DELEGATION_TOKEN: _delegation_token,
    USER_SCRAM_CREDENTIAL: _user_scram_credential,
    FEATURE_LEVEL: _feature_level,
    CLIENT_QUOTA: _client_quota,
    PRODUCER_IDS: _producer_ids,
    BROKER_REGISTRATION_CHANGE: _broker_registration_change,
    ACCESS_CONTROL_ENTRY: _access_control_entry,
    REMOVE_ACCESS_CONTROL_ENTRY: _remove_access_control_entry,
    NO_OP: _nothing,
    ZK_MIGRATION_STATE: _nothing,
    REMOVE_USER_SCRAM_CREDENTIAL: _remove_user_scram_credential,
    BEGIN_TRANSACTION: _transaction_boundary,
    END_TRANSACTION: _transaction_boundary,
    ABORT_TRANSACTION: _transaction_boundary,
    REMOVE_DELEGATION_TOKEN: _remove_delegation_token,
    REGISTER_CONTROLLER: _register_controller,
    CLEAR_ELR: _clear_elr,
}
