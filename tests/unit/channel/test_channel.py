"""A channel against a peer that answers as the test says, over real sockets."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from minikafka.channel.backoff import Backoff
from minikafka.channel.channel import Channel, open_channel
from minikafka.channel.errors import ConnectFailed, ConnectionLost, RequestTimedOut, UnsupportedApi
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.codec import encode
from minikafka.protocol.messages.api_versions import ApiVersion, ApiVersionsResponse
from minikafka.protocol.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
)
from minikafka.protocol.messages.produce import ProduceRequest, ProduceResponse
from minikafka.runtime.entropy import random_source

VERSIONS = ApiVersionsResponse(
    api_keys=[
        ApiVersion(api_key=ApiKey.METADATA, min_version=0, max_version=9),
        ApiVersion(api_key=ApiKey.API_VERSIONS, min_version=0, max_version=4),
    ]
)
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> tuple[int, int, int]:
    """(api key, version, correlation id)."""
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    key, version, correlation = struct.unpack(">hhi", (await reader.readexactly(size))[:8])
    return key, version, correlation


def answer(correlation: int, body: bytes, flexible: bool = False) -> bytes:
    head = struct.pack(">i", correlation) + (b"\0" if flexible else b"")
    return struct.pack(">i", len(head) + len(body)) + head + body


@asynccontextmanager
async def listening(conversation: Conversation) -> AsyncIterator[int]:
    """A port; at the end every connection is over and closed."""
    serving: dict[asyncio.Task[None], None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving[task] = None
        try:
            await conversation(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        if serving:
            async with asyncio.timeout(5):
                await asyncio.wait(serving)


@asynccontextmanager
async def peer(conversation: Conversation, refuse_first: bool = False) -> AsyncIterator[int]:
    """A listening port whose connections agree on versions and then follow the conversation."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, version, correlation = await read_request(reader)
        if refuse_first:
            refusal = ApiVersionsResponse(error_code=35, api_keys=VERSIONS.api_keys)
            writer.write(answer(correlation, encode(refusal, 0)))
            _, version, correlation = await read_request(reader)
        writer.write(answer(correlation, encode(VERSIONS, version)))
        await conversation(reader, writer)

    async with listening(serve) as port:
        yield port


def long_hosts(number: int) -> list[MetadataResponseBroker]:
    return [MetadataResponseBroker(host=str(number) * 30_000) for _ in range(5)]


async def connect(port: int) -> Channel:
    return await open_channel("127.0.0.1", port, client_id="test", timeout_s=5)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        pass


@pytest.mark.parametrize("refuse_first", [False, True])
async def test_versions_are_agreed_on(refuse_first: bool) -> None:
    async with peer(silence, refuse_first) as port:
        channel = await connect(port)
        assert channel.version_of(ApiKey.METADATA) == 9
        assert channel.version_of(ApiKey.METADATA, at_most=5) == 5
        with pytest.raises(UnsupportedApi, match="PRODUCE"):
            await channel.call(ProduceRequest(), ProduceResponse, 1)
        channel.close()


async def test_answers_belong_to_requests_in_order_however_they_are_cut() -> None:
    async def two_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = [await read_request(reader) for _ in range(2)]
        data = b"".join(
            answer(
                correlation,
                encode(MetadataResponse(brokers=long_hosts(number)), version),
                flexible=True,
            )
            for number, (_, version, correlation) in enumerate(asked)
        )
        for at in range(0, len(data), 70_001):
            writer.write(data[at : at + 70_001])
            await writer.drain()
        await silence(reader, writer)

    async with peer(two_answers) as port:
        channel = await connect(port)
        calls = [channel.call(MetadataRequest(), MetadataResponse, 5) for _ in range(2)]
        found = [[each.host for each in got.brokers] for got in await asyncio.gather(*calls)]
        assert found == [[each.host for each in long_hosts(number)] for number in range(2)]
        assert channel.in_flight == 0
        channel.close()


async def test_an_unanswered_request_ends_the_channel_in_time() -> None:
    async with peer(silence) as port:
        channel = await connect(port)
        started = asyncio.get_running_loop().time()
        late = channel.call(MetadataRequest(), MetadataResponse, 0.1)
        other = channel.call(MetadataRequest(), MetadataResponse, 60)
        results = await asyncio.gather(late, other, return_exceptions=True)
        assert [type(result) for result in results] == [RequestTimedOut, RequestTimedOut]
        assert asyncio.get_running_loop().time() - started < 0.3
        with pytest.raises(RequestTimedOut):
            await channel.call(MetadataRequest(), MetadataResponse, 1)


async def test_a_lost_connection_fails_what_is_in_flight() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with peer(leave) as port:
        channel = await connect(port)
        reasons: list[Exception] = []
        channel.on_close = reasons.append
        with pytest.raises(ConnectionLost):
            await channel.call(MetadataRequest(), MetadataResponse, 5)
        assert len(reasons) == 1


@pytest.mark.parametrize(
    "nonsense", [b"\xff\xff\xff\xff", answer(99, b""), b"\0\0\0\1\0", b"HTTP/1.1 400 Bad Request"]
)
async def test_nonsense_ends_the_channel(nonsense: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(nonsense)
        await silence(reader, writer)

    async with peer(talk) as port:
        channel = await connect(port)
        with pytest.raises(ConnectionLost):
            await channel.call(MetadataRequest(), MetadataResponse, 5)


async def test_a_peer_that_says_nothing_is_no_broker() -> None:
    async with listening(silence) as port:
        with pytest.raises(ConnectFailed, match=r"in 0\.1 s"):
            await open_channel("127.0.0.1", port, client_id=None, timeout_s=0.1)
    with pytest.raises(ConnectFailed):
        await open_channel("127.0.0.1", port, client_id=None, timeout_s=1)


async def test_who_stops_waiting_disturbs_nobody() -> None:
    async def answer_both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = [await read_request(reader) for _ in range(2)]
        for _, version, correlation in asked:
            writer.write(answer(correlation, encode(MetadataResponse(), version), flexible=True))
        await silence(reader, writer)

    async with peer(answer_both) as port:
        channel = await connect(port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await channel.call(MetadataRequest(), MetadataResponse, 5)
        await channel.call(MetadataRequest(), MetadataResponse, 5)
        channel.close()


def test_backoff_doubles_up_to_its_limit_with_jitter() -> None:
    backoff = Backoff(random_source(), 100, 1000)
    for expected in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0):
        assert 0.79 * expected <= backoff.next_delay_s() <= 1.21 * expected
    backoff.reset()
    assert backoff.next_delay_s() <= 0.121
