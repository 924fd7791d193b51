"""AlterConfigs (33) and IncrementalAlterConfigs (44) as the active controller is asked for them.

The broker that a client has asked has judged what only it can judge (`alter_configs`), so nothing
is left but to decide.
"""

from __future__ import annotations

from minikafka.api.alter_configs import refuse_changes, refuse_replacement
from minikafka.api.context import ControllerContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.types import Message


@handles(ApiKey.INCREMENTAL_ALTER_CONFIGS, refusal=refuse_changes)
@handles(ApiKey.ALTER_CONFIGS, refusal=refuse_replacement)
async def change_configs(context: ControllerContext, request: Message) -> Message:
    """Decide, if this controller is the active one."""
    return await context.ask_controller(request)
