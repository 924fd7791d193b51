"""What nodes ask of the active controller for themselves, not for a client.

AlterPartition (56, v2-3), BrokerRegistration (62, v0-4), BrokerHeartbeat (63, v0-2),
AllocateProducerIds (67, v0), ControllerRegistration (70, v0), AssignReplicasToDirs (73, v0). A
controller that is not active answers NOT_CONTROLLER, whereupon the node asks the quorum who is.
"""

from __future__ import annotations

from minikafka.api.context import ControllerContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.types import Message


@handles(ApiKey.ALTER_PARTITION)
@handles(ApiKey.BROKER_REGISTRATION)
@handles(ApiKey.BROKER_HEARTBEAT)
@handles(ApiKey.ALLOCATE_PRODUCER_IDS)
@handles(ApiKey.CONTROLLER_REGISTRATION)
@handles(ApiKey.ASSIGN_REPLICAS_TO_DIRS)
async def decide(context: ControllerContext, request: Message) -> Message:
    """Decide, if this controller is the active one; KafkaError NOT_CONTROLLER if not."""
    return await context.services.controller.handle(request, context.version, context.client_id)
