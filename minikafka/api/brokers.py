"""UnregisterBroker (key 64, v0; KIP-631): a broker that will not come back is forgotten."""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.messages.unregister_broker import UnregisterBrokerRequest
from minikafka.protocol.types import Message


@handles(ApiKey.UNREGISTER_BROKER)
async def unregister_broker(context: NodeContext, request: UnregisterBrokerRequest) -> Message:
    """Have the controller forget it; raises `KafkaError` 102 for one that it does not know."""
    return await context.ask_controller(request)
