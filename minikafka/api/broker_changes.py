"""Whether a broker may take new settings while it runs (KIP-226).

The controller knows the cluster, but not the file that a broker was started with nor what that
broker can change without a restart. So the broker that is asked judges, for itself or, for a
resource without a name, for all brokers, before the controller writes the change down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from minikafka.metadata.image import BROKER_RESOURCE
from minikafka.protocol.errors import ErrorCode, KafkaError, error_code
from minikafka.settings.alter import Alteration, Operation, alter_broker
from minikafka.settings.declare import SettingError
from minikafka.settings.thread_counts import require_steps

if TYPE_CHECKING:
    from minikafka.api.context import RequestContext

ALL_BROKERS = ""
_OPERATIONS = frozenset(Operation)


def check_node(context: RequestContext, name: str) -> None:
    """Refuse (42) a resource of another node: only that node can change it."""
    node_id = context.services.node_id
    if resource_id(name, "Node") != node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected node id. Expected {node_id}, but received {name}",
        )


def check_broker_change(
    context: RequestContext, name: str, alterations: Iterable[Alteration], *, keeps_others: bool
) -> None:
    """Refuse a change that a restart or smaller steps are needed for, or a value no key takes.

    `keeps_others`: what is set already stays, as in an incremental change, and is judged together
    with what is new. Raises `KafkaError` 42, or 40 for an appending to what is no list.
    """
    services = context.services
    if name != ALL_BROKERS and resource_id(name, "Node") != services.node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {services.node_id}, but received {name}",
        )
    changes = list(alterations)
    for _, operation, _ in changes:
        if operation not in _OPERATIONS:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown operations type {operation}")
    wide = name == ALL_BROKERS
    present = services.image.config(BROKER_RESOURCE, name) if keeps_others else {}
    try:
        altered = alter_broker(present, changes, services.settings, cluster_wide=wide)
        cluster = services.image.config(BROKER_RESOURCE, ALL_BROKERS)
        own = services.image.config(BROKER_RESOURCE, str(services.node_id))
        before = services.settings.with_dynamic(cluster, own)
        after = (altered, own) if wide else (cluster, altered)
        require_steps(before, services.settings.with_dynamic(*after))
    except SettingError as error:
        raise KafkaError(error_code(error.error_code), str(error)) from error


def resource_id(name: str, whose: str) -> int:
    """The node id that a resource is named by; raises `KafkaError` 42 when it is no number."""
    digits = name.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"{whose} id must be an integer, but it is: {name}"
        )
    return int(name)
