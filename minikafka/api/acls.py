"""DescribeAcls (key 29), CreateAcls (30), DeleteAcls (31), each v1-3: KIP-140, KIP-290.

This version has no authorizer, and says so as a Kafka without one does (SECURITY_DISABLED). A
filter or binding with a value that stands for "unknown" closes the connection, whoever authorizes.
"""

from __future__ import annotations

from typing import Final

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError, ProtocolError
from minikafka.protocol.messages.create_acls import (
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)
from minikafka.protocol.messages.delete_acls import (
    DeleteAclsFilter,
    DeleteAclsFilterResult,
    DeleteAclsRequest,
    DeleteAclsResponse,
)
from minikafka.protocol.messages.describe_acls import DescribeAclsRequest, DescribeAclsResponse

# Everything that these enumerations of Kafka have, but their UNKNOWN (0).
_RESOURCE_TYPES: Final = range(1, 8)
_PATTERN_TYPES: Final = range(1, 5)
_OPERATIONS: Final = range(1, 16)
_PERMISSIONS: Final = range(1, 4)


def refuse_creations(
    context: NodeContext, request: CreateAclsRequest, error: KafkaError
) -> CreateAclsResponse:
    """The error at every binding."""
    code, message = int(error.code), error.message
    return CreateAclsResponse(
        results=[
            AclCreationResult(error_code=code, error_message=message) for _ in request.creations
        ]
    )


def refuse_deletions(
    context: NodeContext, request: DeleteAclsRequest, error: KafkaError
) -> DeleteAclsResponse:
    """The error at every filter."""
    code, message = int(error.code), error.message
    return DeleteAclsResponse(
        filter_results=[
            DeleteAclsFilterResult(error_code=code, error_message=message) for _ in request.filters
        ]
    )


@handles(ApiKey.DESCRIBE_ACLS)
def describe_acls(context: NodeContext, request: DescribeAclsRequest) -> DescribeAclsResponse:
    """Raises `KafkaError` 54."""
    _check_filter(request)
    raise KafkaError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured on the broker")


@handles(ApiKey.CREATE_ACLS, refusal=refuse_creations)
def create_acls(context: NodeContext, request: CreateAclsRequest) -> CreateAclsResponse:
    """Raises `KafkaError` 54."""
    for creation in request.creations:
        _check_known(
            creation.resource_type,
            creation.resource_pattern_type,
            creation.operation,
            creation.permission_type,
        )
    raise KafkaError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")


@handles(ApiKey.DELETE_ACLS, refusal=refuse_deletions)
def delete_acls(context: NodeContext, request: DeleteAclsRequest) -> DeleteAclsResponse:
    """Raises `KafkaError` 54."""
    for wanted in request.filters:
        _check_filter(wanted)
    raise KafkaError(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")


def _check_filter(wanted: DescribeAclsRequest | DeleteAclsFilter) -> None:
    _check_known(
        wanted.resource_type_filter,
        wanted.pattern_type_filter,
        wanted.operation,
        wanted.permission_type,
    )


def _check_known(resource_type: int, pattern_type: int, operation: int, permission: int) -> None:
    """Raises `ProtocolError` for a value that this version of the protocol does not know."""
    if not (
        resource_type in _RESOURCE_TYPES
        and pattern_type in _PATTERN_TYPES
        and operation in _OPERATIONS
        and permission in _PERMISSIONS
    ):
        raise ProtocolError(
            "an ACL with an unknown resource type, pattern, operation or permission"
        )
