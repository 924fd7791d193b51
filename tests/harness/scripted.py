"""A cluster that answers as a test says, over real sockets: what no real one does at a command.

A produce is stored as a broker would: in order per producer and epoch, a repeated batch once.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any

from minikafka.protocol.apis import ApiKey, request_class, response_header_version, valid_versions
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.framing import frame_response, split_request
from minikafka.protocol.messages.api_versions import ApiVersion, ApiVersionsResponse
from minikafka.protocol.messages.init_producer_id import InitProducerIdResponse
from minikafka.protocol.messages.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from minikafka.protocol.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from minikafka.protocol.types import Message
from minikafka.records.batch import BatchHeader, read_header
from minikafka.records.record import decode_records

TOPIC = "t"
Answer = Message | None
"""None closes the connection."""


class ScriptedNode:
    """One broker: a port, the requests it has got, and what it does with them."""

    def __init__(self, cluster: ScriptedCluster, node_id: int) -> None:
        self.cluster = cluster
        self.node_id = node_id
        self.port = 0
        self.asked: Counter[ApiKey] = Counter()
        self.answers: dict[ApiKey, Callable[[Any], Answer]] = {}
        """By api, instead of what the cluster does."""
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], None] = {}

    async def start(self) -> None:
        """On another port each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = None
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                answered = self._answer(memoryview(await reader.readexactly(size)))
                await self.cluster.moved()
                if answered is None:
                    return
                writer.write(answered)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.transport.abort()
            del self._serving[task]

    def _answer(self, frame: memoryview) -> bytes | None:
        header, at = split_request(frame)
        key, version = ApiKey(header.request_api_key), header.request_api_version
        self.asked[key] += 1
        request = decode(request_class(key), version, frame, at)[0]
        answer = self.answers.get(key, lambda each: self.cluster.answer(self, each))(request)
        if answer is None:
            return None
        form = response_header_version(key, version)
        return frame_response(header.correlation_id, form, encode(answer, version))


class ScriptedCluster:
    """Two nodes and one topic of one partition; `leader` is what metadata tells."""

    def __init__(self) -> None:
        self.nodes = [ScriptedNode(self, 0), ScriptedNode(self, 1)]
        self.leader = 0
        self.topic_error = ErrorCode.NONE
        self.stored: list[bytes | None] = []
        self.batches: list[BatchHeader] = []
        """Of what was stored, in order."""
        self.expected: dict[tuple[int, int], int] = {}
        """The next sequence number of a (producer id, epoch); emptied, all is forgotten."""
        self._moved = asyncio.Condition()

    @property
    def bootstrap(self) -> list[str]:
        return [f"127.0.0.1:{node.port}" for node in self.nodes]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what requests bring about."""
        async with self._moved:
            await self._moved.wait_for(condition)

    async def moved(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    def answer(self, node: ScriptedNode, request: Message) -> Answer:
        match ApiKey(request.api_key):
            case ApiKey.API_VERSIONS:
                return _versions()
            case ApiKey.METADATA:
                return self._metadata()
            case ApiKey.INIT_PRODUCER_ID:
                return InitProducerIdResponse(producer_id=7, producer_epoch=0)
            case ApiKey.PRODUCE:
                assert isinstance(request, ProduceRequest)
                if node.node_id != self.leader:
                    return produced(ErrorCode.NOT_LEADER_OR_FOLLOWER)
                return self.store(request)
            case other:
                raise AssertionError(f"nobody has said what {other.name} is answered")

    def store(self, request: ProduceRequest) -> ProduceResponse:
        """As a leader does."""
        batch = records_of(request)
        header = read_header(batch)
        identity = (header.producer_id, header.producer_epoch)
        expected = self.expected.get(identity, 0)
        if header.base_sequence > expected:
            return produced(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
        if header.base_sequence == expected:
            self.expected[identity] = expected + header.record_count
            self.stored += [record.value for record in decode_records(batch)]
            self.batches.append(header)
        return produced(ErrorCode.NONE, len(self.stored) - header.record_count)

    def _metadata(self) -> MetadataResponse:
        known = self.topic_error == ErrorCode.NONE
        partition = MetadataResponsePartition(leader_id=self.leader, leader_epoch=0)
        topic = MetadataResponseTopic(
            name=TOPIC, error_code=self.topic_error, partitions=[partition] if known else []
        )
        brokers = [
            MetadataResponseBroker(node_id=node.node_id, host="127.0.0.1", port=node.port)
            for node in self.nodes
        ]
        return MetadataResponse(brokers=brokers, cluster_id="scripted", topics=[topic])


def records_of(request: ProduceRequest) -> memoryview:
    ((data,),) = [topic.partition_data for topic in request.topic_data]
    assert isinstance(data.records, memoryview)
    return data.records


def produced(code: ErrorCode, offset: int = -1) -> ProduceResponse:
    partition = PartitionProduceResponse(index=0, error_code=code, base_offset=offset)
    return ProduceResponse(
        responses=[TopicProduceResponse(name=TOPIC, partition_responses=[partition])]
    )


def _versions() -> ApiVersionsResponse:
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=key, min_version=first, max_version=last)
            for key in ApiKey
            for first, last in (valid_versions(key),)
        ]
    )
