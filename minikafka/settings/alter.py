"""IncrementalAlterConfigs as functions: the configs of a resource, operations, the new configs.

KIP-339's four operations come first (`apply_operations`), then the judgement on the outcome, which
is each resource type's own. The errors carry the protocol's code in `error_code`.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, ClassVar

from minikafka.settings.broker import BrokerSettings, find_setting, unprefixed
from minikafka.settings.declare import Setting, SettingError, SettingRequestError
from minikafka.settings.kinds import LIST_TYPE
from minikafka.settings.resources import (
    group_settings,
    validate_client_metrics_configs,
    validate_group_configs,
)
from minikafka.settings.topic import TopicSettings, validate_topic_configs

#: (key, operation, value) as in IncrementalAlterConfigsRequest
Alteration = tuple[str, int, str | None]

#: TLS keys that a running broker takes for one listener only, never for all of them
_ONE_LISTENER = frozenset(
    {
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    }
)


class Operation(IntEnum):
    """What IncrementalAlterConfigs does to one key."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class UnknownOperationError(SettingRequestError):
    """An operation that is none of the four: UNKNOWN_SERVER_ERROR, as Kafka answers."""

    error_code: ClassVar[int] = -1


def apply_operations(
    current: Mapping[str, str],
    operations: Iterable[Alteration],
    definitions: Mapping[str, Setting[Any]],
) -> dict[str, str]:
    """The configs after `operations`, not yet judged. `definitions` says what is a list.

    An element is appended once and at the end; appending to a key without a value appends to its
    default. SettingRequestError: a key twice, no value; SettingError: appending to what is no list.
    """
    alterations = list(operations)
    _require_well_formed(alterations)
    altered = dict(current)
    for key, operation, value in alterations:
        if operation == Operation.DELETE:
            altered.pop(key, None)
        elif operation == Operation.SET:
            assert value is not None
            altered[key] = value
        else:
            assert value is not None
            altered[key] = _with_elements(key, operation, value, altered, definitions)
    return altered


def _require_well_formed(alterations: list[Alteration]) -> None:
    keys = [key for key, _, _ in alterations]
    if len(set(keys)) < len(keys):
        repeated = next(key for key in keys if keys.count(key) > 1)
        text = "Error due to duplicate config keys"
        raise SettingRequestError(repeated, None, "one operation per key", text)
    for key, operation, value in alterations:
        if operation not in tuple(Operation):
            text = f"Unknown operation {operation} for {key}"
            raise UnknownOperationError(key, value, "operation 0 to 3", text)
    empty = [key for key, operation, value in alterations if value is None and operation != 1]
    if empty:
        text = f"Null value not supported for : {','.join(empty)}"
        raise SettingRequestError(empty[0], None, "a value", text)


def _with_elements(
    key: str,
    operation: int,
    value: str,
    current: Mapping[str, str],
    definitions: Mapping[str, Setting[Any]],
) -> str:
    declared = definitions.get(key)
    if declared is None or declared.kind.config_type != LIST_TYPE:
        name = Operation(operation).name
        text = f"Can't {name} to key {key} because its type is not LIST."
        raise SettingError(key, value, "SET or DELETE", text)
    held = current.get(key, declared.default_text) or ""
    elements = held.split(",") if held else []
    for element in value.split(","):
        if operation == Operation.SUBTRACT and element in elements:
            elements.remove(element)
        elif operation == Operation.APPEND and element not in elements:
            elements.append(element)
    return ",".join(elements)


def alter_topic(
    current: Mapping[str, str], operations: Iterable[Alteration], broker: BrokerSettings
) -> dict[str, str]:
    """A topic's configs after `operations`; SettingError when it may not have them."""
    altered = apply_operations(current, operations, TopicSettings.declarations)
    validate_topic_configs(altered, broker)
    return altered


def alter_group(
    current: Mapping[str, str], operations: Iterable[Alteration], broker: BrokerSettings
) -> dict[str, str]:
    """A group's configs after `operations`; SettingError when it may not have them."""
    altered = apply_operations(current, operations, group_settings())
    validate_group_configs(altered, broker)
    return altered


def alter_client_metrics(
    current: Mapping[str, str], operations: Iterable[Alteration]
) -> dict[str, str]:
    """A subscription's configs after `operations`. Its lists are set whole, never appended to."""
    altered = apply_operations(current, operations, {})
    validate_client_metrics_configs(altered)
    return altered


def alter_broker(
    current: Mapping[str, str],
    operations: Iterable[Alteration],
    broker: BrokerSettings,
    *,
    cluster_wide: bool,
) -> dict[str, str]:
    """A broker's dynamic configs after `operations`, or with `cluster_wide` those of all brokers.

    Keys that nobody knows are taken, as Kafka takes them (a plugin may read them). All refusals
    but that of appending are SettingRequestErrors.
    """
    alterations = list(operations)
    lists = {key: declared for key, _, _ in alterations if (declared := find_setting(key))}
    altered = apply_operations(current, alterations, lists)
    changed = {key: altered[key] for key, _, _ in alterations if key in altered}
    require_dynamic(changed, cluster_wide=cluster_wide)
    try:
        for key, text in changed.items():
            declared = find_setting(unprefixed(key))
            if declared is not None:
                declared.parse(text)
        broker.with_dynamic(altered, {})
    except SettingError as error:
        raise SettingRequestError(error.key, error.value, error.allowed, str(error)) from None
    return altered


def require_dynamic(keys: Iterable[str], *, cluster_wide: bool) -> None:
    """SettingRequestError when a running broker (or all of them at once) cannot change `keys`."""
    fixed, per_listener, per_broker = [], [], []
    for key in keys:
        declared = find_setting(unprefixed(key))
        if declared is None:
            continue
        if declared.dynamic is None:
            fixed.append(key)
        elif key in _ONE_LISTENER:
            per_listener.append(key)
        elif cluster_wide and declared.dynamic == "per-broker":
            per_broker.append(key)
    for refused, reason in (
        (per_listener, "These configs can be updated for one listener only, by its prefix"),
        (fixed, "Cannot update these configs dynamically"),
        (per_broker, "Cannot update these configs for all brokers, a broker id is needed"),
    ):
        if refused:
            text = f"{reason}: [{', '.join(refused)}]"
            raise SettingRequestError(refused[0], None, reason, text)
