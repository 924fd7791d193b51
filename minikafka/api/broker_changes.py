"""Whether a broker may take new settings while it runs (KIP-226).

The controller knows the cluster, but not the file that a broker was started with nor what that
broker can change without a restart. So the broker that is asked judges, for itself or, for a
resource without a name, for all brokers, before the controller writes the change down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from minikafka.metadata.image import BROKER_RESOURCE
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.settings.accepted import accepted_settings
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import Setting, SettingError

if TYPE_CHECKING:
    from minikafka.api.context import RequestContext

ALL_BROKERS = ""
SET, DELETE = 0, 1
_LAST_OPERATION = 3


def check_node(context: RequestContext, name: str) -> None:
    """Refuse (42) a resource of another node: only that node can change it."""
    node_id = context.services.node_id
    if _as_id(name, "Node") != node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected node id. Expected {node_id}, but received {name}",
        )


def check_broker(context: RequestContext, name: str) -> None:
    """Refuse (42) a broker resource that is neither this broker nor all brokers."""
    node_id = context.services.node_id
    if name != ALL_BROKERS and _as_id(name, "Node") != node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {node_id}, but received {name}",
        )


def check_broker_change(
    context: RequestContext,
    name: str,
    operations: Iterable[tuple[str, int, str | None]],
    *,
    keeps_others: bool,
) -> None:
    """Refuse (42) a change that a restart would be needed for, or with a value no key takes.

    `keeps_others`: what is set already stays, as in an incremental change, and is checked again
    together with what is new.
    """
    check_broker(context, name)
    present = context.services.image.config(BROKER_RESOURCE, name) if keeps_others else {}
    wanted = dict(present)
    for key, operation, value in operations:
        if not SET <= operation <= _LAST_OPERATION:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown operations type {operation}")
        if operation == DELETE:
            wanted.pop(key, None)
        elif operation == SET:
            assert value is not None, "nulls are refused before"
            wanted[key] = value
    declared = {key: found for key in wanted if (found := _declaration(key)) is not None}
    _check_dynamic(declared, one_broker=name != ALL_BROKERS)
    try:
        for key, found in declared.items():
            found.parse(wanted[key])
    except SettingError as error:
        raise KafkaError(ErrorCode.INVALID_REQUEST, str(error)) from error


def _check_dynamic(declared: dict[str, Setting[Any]], *, one_broker: bool) -> None:
    _refuse_any(
        [key for key, found in declared.items() if found.dynamic is None],
        "Cannot update these configs dynamically",
    )
    _refuse_any(
        [key for key in declared if key.startswith("ssl.")],
        "These security configs can be dynamically updated only per-listener using the listener "
        "prefix",
    )
    if not one_broker:
        _refuse_any(
            [key for key, found in declared.items() if found.dynamic == "per-broker"],
            "Cannot update these configs at default cluster level, broker id must be specified",
        )


def _refuse_any(keys: list[str], reason: str) -> None:
    if keys:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"{reason}: [{', '.join(sorted(keys))}]")


def _declaration(key: str) -> Setting[Any] | None:
    """None for a key that is nobody's: it is kept for whatever reads it."""
    return BrokerSettings.declarations.get(key) or accepted_settings().get(key)


def _as_id(name: str, whose: str) -> int:
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"{whose} id must be an integer, but it is: {name}"
        )
    return int(name)
