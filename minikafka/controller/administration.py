"""Commands that come rarely, or never on a single node: loaded with the first of their kind.

They are those of administrators, and what brokers report of the replicas that they lead and hold.

Each module has a `decide(state, request, version)`; importing all of them with their messages would
be a tenth of the broker's start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from minikafka.protocol.apis import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.controller.decision import Decision
    from minikafka.controller.state import ControllerState
    from minikafka.protocol.types import Message

MODULES: Final = {
    ApiKey.ALTER_PARTITION: "minikafka.controller.isr_reports",
    ApiKey.ASSIGN_REPLICAS_TO_DIRS: "minikafka.controller.directories",
    ApiKey.ELECT_LEADERS: "minikafka.controller.elections",
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: "minikafka.controller.reassignments",
    ApiKey.ALTER_CLIENT_QUOTAS: "minikafka.controller.client_quotas",
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: "minikafka.controller.scram_credentials",
    ApiKey.UPDATE_FEATURES: "minikafka.controller.feature_updates",
    ApiKey.UNREGISTER_BROKER: "minikafka.controller.unregistration",
}


def administer(state: ControllerState, request: Message, version: int) -> Decision[Message]:
    """Decide one of these commands. KafkaError: it is refused as a whole."""
    module = import_module(MODULES[ApiKey(request.api_key)])
    decide: Callable[[ControllerState, Message, int], Decision[Message]] = module.decide
    return decide(state, request, version)
