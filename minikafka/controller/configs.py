"""IncrementalAlterConfigs (44) and AlterConfigs (33): dynamic configs of every kind of resource.

Each resource is changed as a whole or refused as a whole, and fails by itself. What a config may be
is told by `settings`; here stands whose configs may be changed, and which records that takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minikafka.controller.decision import Decision
from minikafka.controller.elr_safety import check_min_insync_replicas, elr_records
from minikafka.metadata.image import (
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from minikafka.protocol.errors import ErrorCode, KafkaError, error_code
from minikafka.protocol.messages import alter_configs as replacing
from minikafka.protocol.messages import incremental_alter_configs as incremental
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.settings.alter import (
    Alteration,
    Operation,
    alter_client_metrics,
    alter_group,
    alter_topic,
    apply_operations,
)
from minikafka.settings.broker import find_setting
from minikafka.settings.declare import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.image import ConfigResource
    from minikafka.metadata.replay import MetadataRecord

_VALUE_MAX_BYTES = 32767


class _Resource(Protocol):
    resource_type: int
    resource_name: str


def incremental_alter_configs(
    state: ControllerState, request: incremental.IncrementalAlterConfigsRequest
) -> Decision[incremental.IncrementalAlterConfigsResponse]:
    """Single keys set, removed, appended to or subtracted from (KIP-339)."""
    records: list[MetadataRecord] = []
    responses = []
    for resource in request.resources:
        answer = incremental.AlterConfigsResourceResponse(
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
            error_message=None,
        )
        try:
            _check_once(resource, request.resources)
            operations = [(c.name, c.config_operation, c.value) for c in resource.configs]
            changes = _alter(state, resource, operations)
        except KafkaError as error:
            answer.error_code, answer.error_message = error.code, _text(error)
        else:
            records += changes
        responses.append(answer)
    response = incremental.IncrementalAlterConfigsResponse(responses=responses)
    return Decision([] if request.validate_only else records, response)


def alter_configs(
    state: ControllerState, request: replacing.AlterConfigsRequest
) -> Decision[replacing.AlterConfigsResponse]:
    """All configs of a resource replaced by those given; what is not given is removed."""
    records: list[MetadataRecord] = []
    responses = []
    for resource in request.resources:
        answer = replacing.AlterConfigsResourceResponse(
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
            error_message=None,
        )
        try:
            _check_once(resource, request.resources)
            given = [(config.name, int(Operation.SET), config.value) for config in resource.configs]
            kept = {name for name, _, _ in given}
            present = state.image.config(resource.resource_type, resource.resource_name)
            removed = [(name, int(Operation.DELETE), None) for name in present if name not in kept]
            changes = _alter(state, resource, [*given, *removed])
        except KafkaError as error:
            answer.error_code, answer.error_message = error.code, _text(error)
        else:
            records += changes
        responses.append(answer)
    response = replacing.AlterConfigsResponse(responses=responses)
    return Decision([] if request.validate_only else records, response)


def _check_once(resource: _Resource, resources: Sequence[_Resource]) -> None:
    key = (resource.resource_type, resource.resource_name)
    if sum((r.resource_type, r.resource_name) == key for r in resources) > 1:
        raise _invalid_request("Each resource must appear at most once.")


def _alter(
    state: ControllerState, resource: _Resource, operations: Sequence[Alteration]
) -> list[MetadataRecord]:
    """The records that carry out `operations` on the configs of `resource`."""
    key = (resource.resource_type, resource.resource_name)
    present = state.image.config(*key)
    try:
        altered = _altered(state, key, present, operations)
    except SettingError as error:
        raise KafkaError(error_code(error.error_code), str(error)) from error
    changed = {
        name: altered.get(name)
        for name, _, _ in operations
        # A broker's key is written even if it stays: that makes brokers read files anew that the
        # value only names (KAFKA-14136).
        if altered.get(name) != present.get(name) or key[0] == BROKER_RESOURCE
    }
    for value in changed.values():
        if value is not None and len(value.encode()) > _VALUE_MAX_BYTES:
            raise KafkaError(
                ErrorCode.INVALID_CONFIG,
                "The configuration value cannot be added because it exceeds the maximum value "
                f"size of {_VALUE_MAX_BYTES} bytes.",
            )
    check_min_insync_replicas(state, key, changed)
    records: list[MetadataRecord] = [
        ConfigRecord(resource_type=key[0], resource_name=key[1], name=name, value=value)
        for name, value in changed.items()
    ]
    return records + elr_records(state, key, changed)


def _altered(
    state: ControllerState,
    resource: ConfigResource,
    present: Mapping[str, str],
    operations: Sequence[Alteration],
) -> Mapping[str, str]:
    kind, name = resource
    if kind == TOPIC_RESOURCE:
        if not name:
            raise _invalid_request("Default topic resources are not allowed.")
        altered = alter_topic(present, operations, state.settings)
        if name not in state.image.topics:
            raise KafkaError(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist."
            )
        return altered
    if kind == BROKER_RESOURCE:
        _check_broker(state, name)
        lists = {key: declared for key, _, _ in operations if (declared := find_setting(key))}
        return apply_operations(present, operations, lists)
    if kind == CLIENT_METRICS_RESOURCE:
        if not name:
            raise _invalid_request("Subscription name can't be empty")
        return alter_client_metrics(present, operations)
    if kind == GROUP_RESOURCE:
        if not name:
            raise _invalid_request("Default group resources are not allowed.")
        return alter_group(present, operations, state.settings)
    raise _invalid_request(f"Unknown resource type {kind}")


def _check_broker(state: ControllerState, name: str) -> None:
    """The broker must exist. What it can change while it runs, it has judged itself."""
    if not name:
        return
    if not (name.isascii() and name.isdecimal()):
        raise _invalid_request("Unable to parse broker name as a base 10 number.")
    if int(name) not in state.image.brokers:
        raise KafkaError(
            ErrorCode.BROKER_ID_NOT_REGISTERED, f"No broker with id {int(name)} found."
        )


def _text(error: KafkaError) -> str | None:
    # A failure that Kafka did not foresee travels without a text.
    return None if error.code is ErrorCode.UNKNOWN_SERVER_ERROR else error.message


def _invalid_request(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)
