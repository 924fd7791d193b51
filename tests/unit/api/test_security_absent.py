"""ACLs without an authorizer, and SASL on a plain listener: Kafka's own words for "not here"."""

from typing import Any

import pytest

from minikafka.protocol.errors import ProtocolError
from minikafka.protocol.messages.create_acls import AclCreation, CreateAclsRequest
from minikafka.protocol.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from minikafka.protocol.messages.describe_acls import DescribeAclsRequest
from minikafka.protocol.messages.sasl_handshake import SaslHandshakeRequest

ANY: dict[str, Any] = {
    "resource_type_filter": 1,
    "resource_name_filter": None,
    "principal_filter": None,
    "host_filter": None,
    "operation": 1,
    "permission_type": 1,
}
BINDING: dict[str, Any] = {
    "resource_type": 2,
    "resource_name": "orders",
    "principal": "User:a",
    "host": "*",
    "operation": 3,
    "permission_type": 3,
}


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_without_an_authorizer_there_are_no_acls(cluster: Any, version: int) -> None:
    described = await cluster.ask(DescribeAclsRequest(**ANY), version)
    assert described.error_code == 54
    assert described.error_message == "No Authorizer is configured on the broker"
    created = await cluster.ask(
        CreateAclsRequest(creations=[AclCreation(**BINDING), AclCreation(**BINDING)]), version
    )
    deleted = await cluster.ask(DeleteAclsRequest(filters=[DeleteAclsFilter(**ANY)]), version)
    results = [*created.results, *deleted.filter_results]
    said = [(result.error_code, result.error_message) for result in results]
    assert said == [(54, "No Authorizer is configured.")] * 3


@pytest.mark.parametrize(
    "request_",
    [
        DescribeAclsRequest(**ANY | {"operation": 0}),
        DescribeAclsRequest(**ANY | {"resource_type_filter": 99}),
        CreateAclsRequest(creations=[AclCreation(**BINDING | {"permission_type": 0})]),
        DeleteAclsRequest(filters=[DeleteAclsFilter(**ANY | {"pattern_type_filter": 0})]),
    ],
)
async def test_what_nobody_knows_closes_the_connection(cluster: Any, request_: Any) -> None:
    with pytest.raises(ProtocolError, match="unknown"):
        await cluster.ask(request_, 3)


@pytest.mark.parametrize("version", [0, 1])
async def test_a_plain_listener_takes_no_sasl(cluster: Any, version: int) -> None:
    answer = await cluster.ask(SaslHandshakeRequest(mechanism="PLAIN"), version)
    assert (answer.error_code, answer.mechanisms) == (34, [])
