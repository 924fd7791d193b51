"""DescribeClientQuotas (key 48, v0-1) and AlterClientQuotas (key 49, v0-1): KIP-546.

Quotas are metadata: the controller changes them, every broker can tell them.
"""

from __future__ import annotations

from typing import Final

from minikafka.api.context import NodeContext, RequestContext
from minikafka.api.dispatch import handles
from minikafka.metadata.image import QuotaEntity
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages import alter_client_quotas as altering
from minikafka.protocol.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)
from minikafka.protocol.types import Message

_EXACT: Final = 0
_DEFAULT: Final = 1
_ANY: Final = 2
_USER_TYPES: Final = ("user", "client-id")
_TYPES: Final = (*_USER_TYPES, "ip")


def refuse_description(
    context: RequestContext, request: DescribeClientQuotasRequest, error: KafkaError
) -> DescribeClientQuotasResponse:
    """No entries at all."""
    return DescribeClientQuotasResponse(
        error_code=int(error.code), error_message=error.message, entries=None
    )


@handles(ApiKey.DESCRIBE_CLIENT_QUOTAS, refusal=refuse_description)
def describe_client_quotas(
    context: RequestContext, request: DescribeClientQuotasRequest
) -> DescribeClientQuotasResponse:
    """The entities that every component matches; `strict` allows them no other component.

    Raises `KafkaError` 42 for a filter that says nothing sensible, 35 for an unknown entity type.
    """
    components: dict[str, ComponentData] = {}
    for component in request.components:
        _check(component, components)
        components[component.entity_type] = component
    if "ip" in components and any(kind in components for kind in _USER_TYPES):
        raise _invalid(
            "Invalid entity filter component combination. IP filter component should not be used "
            "with user or clientId filter component."
        )
    return DescribeClientQuotasResponse(
        entries=[
            EntryData(
                entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity],
                values=[ValueData(key=key, value=value) for key, value in quotas.items()],
            )
            for entity, quotas in context.services.image.client_quotas.items()
            if _matches(entity, components, strict=request.strict)
        ]
    )


def _check(component: ComponentData, before: dict[str, ComponentData]) -> None:
    kind, match_type, match = component.entity_type, component.match_type, component.match
    if match_type == _EXACT and match is None:
        raise _invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.")
    if match_type in (_DEFAULT, _ANY) and match is not None:
        name = "MATCH_TYPE_DEFAULT" if match_type == _DEFAULT else "MATCH_TYPE_SPECIFIED"
        raise _invalid(f"Request specified {name}, but also specified a match string.")
    if match_type not in (_EXACT, _DEFAULT, _ANY):
        raise _invalid(f"Unknown match type {match_type}")
    if not kind:
        raise _invalid("Invalid empty entity type.")
    if kind in before:
        raise _invalid(f"Entity type {kind} cannot appear more than once in the filter.")
    if kind not in _TYPES:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")


def _matches(entity: QuotaEntity, components: dict[str, ComponentData], *, strict: bool) -> bool:
    names = dict(entity)
    if strict and len(names) != len(components):
        return False
    for kind, component in components.items():
        if kind not in names:
            return False
        # The match of a default is null, which is also how a default entity is named.
        if component.match_type != _ANY and names[kind] != component.match:
            return False
    return True


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)


def refuse_alteration(
    context: NodeContext, request: altering.AlterClientQuotasRequest, error: KafkaError
) -> altering.AlterClientQuotasResponse:
    """The error at every entity."""
    return altering.AlterClientQuotasResponse(
        entries=[
            altering.AlterClientQuotasResponseEntryData(
                error_code=int(error.code), error_message=error.message, entity=entry.entity
            )
            for entry in request.entries
        ]
    )


@handles(ApiKey.ALTER_CLIENT_QUOTAS, refusal=refuse_alteration)
async def alter_client_quotas(
    context: NodeContext, request: altering.AlterClientQuotasRequest
) -> Message:
    """Have the controller change quotas."""
    return await context.ask_controller(request)
