"""The controller's listener: what it advertises it answers, active or not; envelopes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from unit.broker.controller_stage import ControllerStage

from minikafka.api.dispatch import SERVED_BY_CONTROLLER, served_apis
from minikafka.protocol.apis import FORWARDED, ApiKey, request_class, response_class
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.default_principal_data import DefaultPrincipalData
from minikafka.protocol.messages.delete_topics import DeleteTopicsRequest
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from minikafka.protocol.messages.envelope import EnvelopeRequest, EnvelopeResponse

PRINCIPAL = b"\0\0" + encode(DefaultPrincipalData(type="User", name="ANONYMOUS"), 0)
ADDRESS = bytes((192, 0, 2, 1))

ACLS = {ApiKey.DESCRIBE_ACLS, ApiKey.CREATE_ACLS, ApiKey.DELETE_ACLS}  # nobody decides them
CASES = [
    (key, version)
    for key, (lowest, highest) in served_apis(controller=True).items()
    if key is not ApiKey.DESCRIBE_ACLS  # its defaults are no filter, which closes the connection
    for version in range(lowest, highest + 1)
]
# Decided by who leads, so that others say so.
DECIDED = FORWARDED.intersection(SERVED_BY_CONTROLLER)
DECIDED -= {ApiKey.LIST_PARTITION_REASSIGNMENTS, *ACLS}


@pytest.fixture
async def stage(make_node: Any) -> AsyncIterator[ControllerStage]:
    stage = await ControllerStage(await make_node()).start()
    yield stage
    await stage.stop()


@pytest.mark.parametrize(("key", "version"), CASES)
async def test_a_request_of_defaults_is_answered(
    stage: ControllerStage, key: ApiKey, version: int
) -> None:
    channel = await stage.connect()
    answer = await channel.call_version(request_class(key)(), response_class(key), version, 30)
    assert type(answer) is response_class(key)


@pytest.mark.parametrize(
    "key",
    [
        ApiKey.ALTER_PARTITION,
        ApiKey.BROKER_REGISTRATION,
        ApiKey.BROKER_HEARTBEAT,
        ApiKey.ALLOCATE_PRODUCER_IDS,
        ApiKey.CONTROLLER_REGISTRATION,
        ApiKey.ASSIGN_REPLICAS_TO_DIRS,
    ],
)
async def test_a_controller_that_is_not_active_says_so(stage: ControllerStage, key: ApiKey) -> None:
    await stage.node.quorum.stop()
    channel = await stage.connect()
    answer: Any = await channel.call(request_class(key)(), response_class(key), 30)
    assert answer.error_code == ErrorCode.NOT_CONTROLLER


def enclosed(key: ApiKey, version: int, body: bytes) -> bytes:
    header = RequestHeader(
        request_api_key=key, request_api_version=version, correlation_id=5, client_id="c"
    )
    return encode(header, 2) + body


async def envelope(stage: ControllerStage, data: bytes, **fields: Any) -> EnvelopeResponse:
    channel = await stage.connect()
    request = EnvelopeRequest(
        request_data=data,
        request_principal=fields.get("principal", PRINCIPAL),
        client_host_address=fields.get("address", ADDRESS),
    )
    return await channel.call(request, EnvelopeResponse, 30)


async def test_the_answer_inside_is_the_one_to_the_request_inside(stage: ControllerStage) -> None:
    body = encode(DeleteTopicsRequest(timeout_ms=1000), 6)
    answer = await envelope(stage, enclosed(ApiKey.DELETE_TOPICS, 6, body))
    assert answer.error_code == 0
    assert answer.response_data is not None
    assert bytes(answer.response_data[:5]) == bytes((0, 0, 0, 5, 0)), "correlation id and no tags"
    inside, end = decode(response_class(ApiKey.DELETE_TOPICS), 6, answer.response_data, 5)
    assert inside.responses == []
    assert end == len(answer.response_data)


@pytest.mark.parametrize("key", sorted(DECIDED))
async def test_an_envelope_never_hides_that_somebody_else_leads(
    stage: ControllerStage, key: ApiKey
) -> None:
    await stage.node.quorum.stop()
    version = served_apis(controller=True)[key][1]
    request: Any = request_class(key)()
    if key in (ApiKey.ADD_RAFT_VOTER, ApiKey.REMOVE_RAFT_VOTER):
        request.cluster_id = None  # another cluster's would be refused as such
    answer = await envelope(stage, enclosed(key, version, encode(request, version)))
    assert (answer.error_code, answer.response_data) == (ErrorCode.NOT_CONTROLLER, None)


@pytest.mark.parametrize(
    ("data", "fields", "error"),
    [
        (enclosed(ApiKey.FETCH, 13, b""), {}, ErrorCode.INVALID_REQUEST),
        (enclosed(ApiKey.DELETE_TOPICS, 99, b""), {}, ErrorCode.INVALID_REQUEST),
        (enclosed(ApiKey.DELETE_TOPICS, 6, b"\x09"), {}, ErrorCode.INVALID_REQUEST),
        (b"", {}, ErrorCode.INVALID_REQUEST),
        (b"", {"address": b"123"}, ErrorCode.INVALID_REQUEST),
        (b"", {"address": b"123", "principal": b"\0"}, ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE),
        (b"", {"principal": None}, ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE),
        (b"", {"principal": b"\0\0\x09"}, ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE),
    ],
)
async def test_a_bad_envelope_is_refused(
    stage: ControllerStage, data: bytes, fields: dict[str, Any], error: ErrorCode
) -> None:
    assert (await envelope(stage, data, **fields)).error_code == error


@pytest.mark.parametrize(
    ("endpoint_type", "error"),
    [
        (1, ErrorCode.MISMATCHED_ENDPOINT_TYPE),
        (2, ErrorCode.NONE),
        (3, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE),
    ],
)
async def test_controllers_describe_controllers(
    stage: ControllerStage, endpoint_type: int, error: ErrorCode
) -> None:
    channel = await stage.connect()
    request = DescribeClusterRequest(endpoint_type=endpoint_type)
    answer = await channel.call(request, DescribeClusterResponse, 30)
    assert answer.error_code == error
    if not error:
        assert (answer.controller_id, answer.cluster_id) == (1, stage.node.storage.cluster_id)


async def test_who_knows_of_no_endpoint_types_is_told_of_none(stage: ControllerStage) -> None:
    channel = await stage.connect()
    answer = await channel.call_version(DescribeClusterRequest(), DescribeClusterResponse, 0, 30)
    assert answer.error_code == ErrorCode.INVALID_REQUEST
