"""From a frame to an answer: what closes the connection, what a failing handler looks like."""

import asyncio
from typing import Any

import pytest

from minikafka.api.dispatch import SERVED, Api, Dispatcher, Handler
from minikafka.protocol.apis import (
    ADVERTISED_BROKER,
    ApiKey,
    request_class,
    request_header_version,
    response_class,
    response_header_version,
)
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode, KafkaError, ProtocolError
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from minikafka.protocol.messages.metadata import MetadataRequest

UNKNOWN = int(ErrorCode.UNKNOWN_SERVER_ERROR)


class Broken(Exception):
    """What no handler should raise."""


def fail_at_once(context: Any, request: Any) -> Any:
    raise Broken("at once")


async def fail_later(context: Any, request: Any) -> Any:
    await asyncio.sleep(0)
    raise Broken("later")


@pytest.fixture(params=[fail_at_once, fail_later])
def broken(request: pytest.FixtureRequest) -> Handler:
    handler: Handler = request.param
    return handler


def replace_handler(dispatcher: Dispatcher, key: ApiKey, handler: Handler) -> Api:
    api = dispatcher._load(key)
    api.handler = handler
    return api


async def test_a_fault_of_ours_is_answered_in_the_apis_shape(
    cluster: Any, broken: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    replace_handler(cluster.dispatcher, ApiKey.DESCRIBE_CLUSTER, broken)
    answer = await cluster.ask(DescribeClusterRequest(), 1)
    assert answer.error_code == UNKNOWN
    (record,) = caplog.records
    assert record.getMessage() == "DESCRIBE_CLUSTER v1 failed"
    assert record.exc_info is not None
    assert record.exc_info[0] is Broken


async def test_it_is_told_for_each_element_where_there_is_no_top_level_code(
    cluster: Any, broken: Handler
) -> None:
    replace_handler(cluster.dispatcher, ApiKey.CREATE_TOPICS, broken)
    request = CreateTopicsRequest(topics=[CreatableTopic(name="a"), CreatableTopic(name="b")])
    answer = await cluster.ask(request, 7)
    assert [(topic.name, topic.error_code) for topic in answer.topics] == [
        ("a", UNKNOWN),
        ("b", UNKNOWN),
    ]


async def test_a_kafka_error_is_answered_without_a_word_in_the_log(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(context: Any, request: Any) -> Any:
        raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)

    replace_handler(cluster.dispatcher, ApiKey.DESCRIBE_CLUSTER, refuse)
    answer = await cluster.ask(DescribeClusterRequest(), 1)
    assert answer.error_code == ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    assert caplog.records == []


async def test_only_a_protocol_error_closes(cluster: Any) -> None:
    def refuse(context: Any, request: Any) -> Any:
        raise ProtocolError("nonsense")

    async def refuse_later(context: Any, request: Any) -> Any:
        raise ProtocolError("nonsense")

    for handler, error in ((refuse, ProtocolError), (refuse_later, ConnectionError)):
        replace_handler(cluster.dispatcher, ApiKey.DESCRIBE_CLUSTER, handler)
        with pytest.raises(error, match="nonsense"):
            await cluster.ask(DescribeClusterRequest(), 1)


async def test_an_answer_that_cannot_be_written_is_our_fault(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def too_much(context: Any, request: Any) -> Any:
        return DescribeClusterResponse(controller_id=2**40)

    async def too_much_later(context: Any, request: Any) -> Any:
        return DescribeClusterResponse(controller_id=2**40)

    def raises(context: Any, request: Any) -> Any:
        return encode(DescribeClusterResponse(controller_id=2**40), 1)

    for handler in (too_much, too_much_later, raises):
        replace_handler(cluster.dispatcher, ApiKey.DESCRIBE_CLUSTER, handler)
        assert (await cluster.ask(DescribeClusterRequest(), 1)).error_code == UNKNOWN
    assert len(caplog.records) == 3


async def test_one_fault_does_not_hold_up_the_next_request(cluster: Any, broken: Handler) -> None:
    api = replace_handler(cluster.dispatcher, ApiKey.DESCRIBE_CLUSTER, broken)
    await cluster.ask(DescribeClusterRequest(), 1)
    api.handler = Api(ApiKey.DESCRIBE_CLUSTER, ADVERTISED_BROKER[ApiKey.DESCRIBE_CLUSTER]).handler
    assert (await cluster.ask(DescribeClusterRequest(), 1)).error_code == 0


async def test_a_fault_of_a_shortcut_is_answered_too_and_nothing_is_tried_again(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken_shortcut(*_: Any) -> bool:
        raise Broken("half done")

    def never(context: Any, request: Any) -> Any:
        raise AssertionError("the shortcut may have done it already")

    replace_handler(cluster.dispatcher, ApiKey.DESCRIBE_CLUSTER, never).shortcut = broken_shortcut
    assert (await cluster.ask(DescribeClusterRequest(), 1)).error_code == UNKNOWN
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is Broken


@pytest.mark.parametrize("key", sorted(SERVED))
async def test_every_api_survives_a_fault_in_every_version(cluster: Any, key: ApiKey) -> None:
    """An empty request that our fault refuses gets an answer that its version can hold."""
    api = replace_handler(cluster.dispatcher, key, fail_at_once)
    api.shortcut = None
    for version in range(api.min_version, api.max_version + 1):
        request = request_class(key)()
        if key == ApiKey.PRODUCE:
            request.acks = 1  # type: ignore[attr-defined]  # 0 closes the connection instead
        frame = request_frame(request, version)
        data = await cluster.ask_raw(frame)
        position = 4 + response_header_version(key, version)
        _, end = decode(response_class(key), version, data, position)
        assert end == len(data)


def request_frame(request: Any, version: int) -> bytes:
    key = type(request).api_key
    header = RequestHeader(
        request_api_key=key, request_api_version=version, correlation_id=77, client_id="x"
    )
    return encode(header, request_header_version(key, version)) + encode(request, version)


# --- headers


HEAD = bytes.fromhex("0003 0009 0000004d")  # Metadata v9, whose header has tags
NO_TOPICS = bytes.fromhex("01 00 00 00 00")


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "no header"),
        ("00", "no header"),
        ("ffff", "ends before its tagged fields"),
        ("fffe 00", "client id of -2 bytes"),
        ("8000 00", "client id of -32768 bytes"),
        ("0001", "client id of 1 bytes"),
        ("7fff 61", "client id of 32767 bytes"),
        ("0001 ff 00", "not UTF-8"),
        ("0001 61", "ends before its tagged fields"),
        ("ffff 01", "passes its end"),
        ("ffff 01 00", "passes its end"),
        ("ffff 01 00 05 61", "passes its end"),
        ("ffff ff ff ff ff ff", "too long"),
        ("ffff ff ff ff ff 0f 00 00", "passes its end"),
    ],
)
@pytest.mark.parametrize("key", [ApiKey.METADATA, ApiKey.PRODUCE, ApiKey.FETCH])
async def test_a_broken_header_closes(cluster: Any, key: ApiKey, header: str, problem: str) -> None:
    versions = {ApiKey.METADATA: 9, ApiKey.PRODUCE: 9, ApiKey.FETCH: 12}
    head = int(key).to_bytes(2, "big") + versions[key].to_bytes(2, "big") + HEAD[4:]
    with pytest.raises(ProtocolError, match=problem):
        await cluster.ask_raw(head + bytes.fromhex(header))


@pytest.mark.parametrize(
    "header", ["ffff 00", "0000 00", "0001 61 00", "ffff 02 00 00 81 00 01 62"]
)
async def test_odd_headers_are_understood(cluster: Any, header: str) -> None:
    assert await cluster.ask_raw(HEAD + bytes.fromhex(header) + NO_TOPICS)


@pytest.mark.parametrize("key", [-1, 4, 5, 6, 7, 93, 32767, -32768])
async def test_an_api_that_is_not_served_closes(cluster: Any, key: int) -> None:
    with pytest.raises(ProtocolError, match="not served"):
        await cluster.ask_raw(key.to_bytes(2, "big", signed=True) + bytes(20))


@pytest.mark.parametrize("version", [-1, 14, 127, 32767])
async def test_a_version_that_is_not_served_closes(cluster: Any, version: int) -> None:
    frame = b"\0\3" + version.to_bytes(2, "big", signed=True) + bytes(20)
    with pytest.raises(ProtocolError, match="not served"):
        await cluster.ask_raw(frame)


async def test_a_request_that_ends_early_closes(cluster: Any) -> None:
    whole = request_frame(MetadataRequest(topics=[]), 9)
    for end in range(12, len(whole)):
        with pytest.raises(ProtocolError):
            await cluster.ask_raw(whole[:end])
