"""UpdateFeatures (key 57, v0-2; KIP-584): the controller finalises levels of features.

v0 allows a downgrade by a flag, v1 by the type of the upgrade, and can only validate · v2 has no
results of single features, as they succeed or fail together.
"""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.messages.update_features import UpdateFeaturesRequest
from minikafka.protocol.types import Message


@handles(ApiKey.UPDATE_FEATURES)
async def update_features(context: NodeContext, request: UpdateFeaturesRequest) -> Message:
    """Have the controller decide; the answer comes when the decision is committed."""
    return await context.ask_controller(request)
