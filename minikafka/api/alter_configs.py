"""IncrementalAlterConfigs (key 44, v0-1; KIP-339) and the older AlterConfigs (key 33, v0-2).

The first changes single keys, the second replaces all that is set. What only this broker can judge
is judged here: the levels of its own loggers, and whether a broker may change a key while it runs.
All else is the controller's: it keeps the configs of topics, brokers, groups and client metrics in
the metadata log. Each resource is changed as a whole or not at all, and fails alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from minikafka.api.broker_changes import check_broker_change, check_node
from minikafka.api.context import NodeContext, RequestContext
from minikafka.api.dispatch import handles, per_item
from minikafka.api.loggers import apply_changes, check_changes
from minikafka.metadata.image import (
    BROKER_LOGGER_RESOURCE,
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages import alter_configs as replacing
from minikafka.protocol.messages import incremental_alter_configs as incremental
from minikafka.settings.alter import Alteration, Operation

Outcome = tuple[int, str | None]
"""(error code, error message)"""
Result = TypeVar("Result")

_CONTROLLERS_RESOURCES = (TOPIC_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE)
_DONE: Outcome = (0, None)


def refuse_changes(
    context: NodeContext, request: incremental.IncrementalAlterConfigsRequest, error: KafkaError
) -> incremental.IncrementalAlterConfigsResponse:
    """The error at every resource."""
    outcomes = [_failed(error)] * len(request.resources)
    return incremental.IncrementalAlterConfigsResponse(
        responses=_results(request, outcomes, incremental.AlterConfigsResourceResponse)
    )


def refuse_replacement(
    context: NodeContext, request: replacing.AlterConfigsRequest, error: KafkaError
) -> replacing.AlterConfigsResponse:
    """The error at every resource."""
    outcomes = [_failed(error)] * len(request.resources)
    return replacing.AlterConfigsResponse(
        responses=_results(request, outcomes, replacing.AlterConfigsResourceResponse)
    )


@handles(ApiKey.INCREMENTAL_ALTER_CONFIGS, refusal=refuse_changes)
async def incremental_alter_configs(
    context: RequestContext, request: incremental.IncrementalAlterConfigsRequest
) -> incremental.IncrementalAlterConfigsResponse:
    """Set, delete, append to and subtract from single keys."""

    def operations(resource: incremental.AlterConfigsResource) -> list[Alteration]:
        return [(c.name, c.config_operation, c.value) for c in resource.configs]

    outcomes = await _alter(context, request, operations, with_loggers=True)
    if not request.validate_only:
        for resource, outcome in zip(request.resources, outcomes, strict=True):
            if resource.resource_type == BROKER_LOGGER_RESOURCE and outcome == _DONE:
                apply_changes(operations(resource))
    return incremental.IncrementalAlterConfigsResponse(
        responses=_results(request, outcomes, incremental.AlterConfigsResourceResponse)
    )


@handles(ApiKey.ALTER_CONFIGS, refusal=refuse_replacement)
async def alter_configs(
    context: RequestContext, request: replacing.AlterConfigsRequest
) -> replacing.AlterConfigsResponse:
    """Replace all that is set on each resource; levels of loggers cannot be replaced."""

    def operations(resource: replacing.AlterConfigsResource) -> list[Alteration]:
        return [(config.name, Operation.SET, config.value) for config in resource.configs]

    outcomes = await _alter(context, request, operations, with_loggers=False)
    return replacing.AlterConfigsResponse(
        responses=_results(request, outcomes, replacing.AlterConfigsResourceResponse)
    )


async def _alter(
    context: RequestContext,
    request: Any,
    operations: Callable[[Any], list[Alteration]],
    *,
    with_loggers: bool,
) -> list[Outcome]:
    """Check every resource, have the controller change its own, and tell each outcome.

    Loggers are only checked: they are changed when nothing can fail any more.
    """
    repeated = _repeated(request.resources)

    def check(resource: Any) -> None:
        _check(context, resource, operations(resource), repeated, with_loggers=with_loggers)

    refused: list[KafkaError | None] = per_item(request.resources, check, lambda _, error: error)
    passed_on = [
        resource
        for resource, error in zip(request.resources, refused, strict=True)
        if error is None and resource.resource_type in _CONTROLLERS_RESOURCES
    ]
    answered: dict[tuple[int, str], Outcome] = {}
    if passed_on:
        response: Any = await context.ask_controller(
            type(request)(resources=passed_on, validate_only=request.validate_only)
        )
        answered = {_key(r): (r.error_code, r.error_message or None) for r in response.responses}
    return [
        answered.get(_key(resource), _DONE) if error is None else _failed(error)
        for resource, error in zip(request.resources, refused, strict=True)
    ]


def _check(
    context: RequestContext,
    resource: Any,
    operations: list[Alteration],
    repeated: set[tuple[int, str]],
    *,
    with_loggers: bool,
) -> None:
    """Raises `KafkaError`: what this broker refuses before the controller is asked."""
    if _key(resource) in repeated:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
    nulls = [
        key
        for key, operation, value in operations
        if value is None and operation != Operation.DELETE
    ]
    if nulls:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Null value not supported for : {','.join(nulls)}"
        )
    if len({key for key, _, _ in operations}) < len(operations):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")
    kind, name = _key(resource)
    if kind == BROKER_LOGGER_RESOURCE and with_loggers:
        check_node(context, name)
        check_changes(operations)
    elif kind == BROKER_RESOURCE:
        check_broker_change(context, name, operations, keeps_others=with_loggers)
    elif kind not in _CONTROLLERS_RESOURCES:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {kind}")


def _repeated(resources: Iterable[Any]) -> set[tuple[int, str]]:
    seen: set[tuple[int, str]] = set()
    repeated: set[tuple[int, str]] = set()
    for resource in resources:
        (repeated if _key(resource) in seen else seen).add(_key(resource))
    return repeated


def _key(resource: Any) -> tuple[int, str]:
    return resource.resource_type, resource.resource_name


def _failed(error: KafkaError) -> Outcome:
    # A failure that Kafka did not foresee travels without a text.
    foreseen = error.code is not ErrorCode.UNKNOWN_SERVER_ERROR
    return int(error.code), error.message if foreseen else None


def _results(
    request: Any, outcomes: Iterable[Outcome], make: Callable[..., Result]
) -> list[Result]:
    """One `make(…)` for each resource of the request, in its order."""
    return [
        make(
            error_code=code,
            error_message=message,
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
        )
        for resource, (code, message) in zip(request.resources, outcomes, strict=True)
    ]
