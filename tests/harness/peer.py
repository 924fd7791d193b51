"""A connection that speaks through minikafka's own messages: any API in any version.

Where `Wire` would have to spell out every byte. What both brokers must answer alike is compared by
running the same tests against Apache Kafka, so a mistake of the codec cannot hide itself here.
"""

import struct
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from harness.wire import Reader, Wire
from minikafka.protocol.apis import request_header_version, response_class, response_header_version
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
)
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.protocol.types import ZERO_UUID, Message
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch
from minikafka.records.record import Record, decode_records

NOW_MS = int(time.time() * 1000)
FIRST_PRODUCE_WITH_IDS = 13
FIRST_FETCH_WITH_IDS = 13


def framed(
    message: Message, version: int, *, correlation_id: int = 0, client_id: str | None = "peer"
) -> bytes:
    """One request as it goes over the wire, size prefix included."""
    api_key = type(message).api_key
    header = RequestHeader(
        request_api_key=api_key,
        request_api_version=version,
        correlation_id=correlation_id,
        client_id=client_id,
    )
    payload = encode(header, request_header_version(api_key, version)) + encode(message, version)
    return struct.pack(">i", len(payload)) + payload


class Peer(Wire):
    """One blocking connection; requests may be pipelined with `send` and `receive`."""

    def __init__(self, host: str, port: int, timeout_s: float = 10) -> None:
        super().__init__(host, port, timeout_s)
        self._expected: deque[tuple[int, int, int]] = deque()
        self._correlation_id = 0

    def call(self, message: Message, version: int, *, client_id: str | None = "peer") -> Any:
        """Ask and wait for the answer, which must be the next thing to arrive."""
        self.send(message, version, client_id=client_id)
        return self.receive()

    def send(
        self,
        message: Message,
        version: int,
        *,
        client_id: str | None = "peer",
        unanswered: bool = False,
    ) -> None:
        """Ask; `unanswered` for what gets no answer (Produce with acks=0)."""
        self._correlation_id += 1
        if not unanswered:
            self._expected.append((type(message).api_key, version, self._correlation_id))
        self.socket.sendall(
            framed(message, version, correlation_id=self._correlation_id, client_id=client_id)
        )

    def receive(self) -> Any:
        """The next answer; asserts that it is the next request's, to its last byte."""
        api_key, version, correlation_id = self._expected.popleft()
        (size,) = struct.unpack(">i", self._receive(4))
        data = self._receive(size)
        header_version = response_header_version(api_key, version)
        assert Reader(data).unpack("i") == correlation_id
        response, end = decode(response_class(api_key), version, data, 4 + header_version)
        assert end == len(data)
        return response

    def is_closed(self) -> bool:
        """Whether the broker closes the connection without another word, within the timeout."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


class Topic:
    """A topic under test: produces to it and fetches from it, by name or by id as versions have it.

    `peer` may be replaced, after a restart for one.
    """

    def __init__(self, peer: Peer, name: str, topic_id: UUID = ZERO_UUID) -> None:
        self.peer = peer
        self.name = name
        self.topic_id = topic_id

    @classmethod
    def create(
        cls, peer: Peer, name: str, partitions: int = 1, configs: dict[str, str] | None = None
    ) -> "Topic":
        """Create it and wait until it can be written."""
        peer.create_topic(name, partitions, configs)
        return cls(peer, name, peer.describe_topic(name).topic_id)

    def produce_request(
        self,
        batches: Mapping[int, bytes | None],
        version: int = 12,
        *,
        acks: int = -1,
        timeout_ms: int = 5000,
        transactional_id: str | None = None,
    ) -> ProduceRequest:
        """A request with one batch for each partition index."""
        by_id = version >= FIRST_PRODUCE_WITH_IDS
        return ProduceRequest(
            transactional_id=transactional_id,
            acks=acks,
            timeout_ms=timeout_ms,
            topic_data=[
                TopicProduceData(
                    name="" if by_id else self.name,
                    topic_id=self.topic_id if by_id else ZERO_UUID,
                    partition_data=[
                        PartitionProduceData(index=index, records=records)
                        for index, records in batches.items()
                    ],
                )
            ],
        )

    def produce(self, batch: bytes | None, version: int = 12, **options: Any) -> Any:
        """The answer of one partition (0 or `partition`) to one batch."""
        partition = options.pop("partition", 0)
        client_id = options.pop("client_id", "peer")
        request = self.produce_request({partition: batch}, version, **options)
        response = self.peer.call(request, version, client_id=client_id)
        (topic,) = response.responses
        assert (topic.topic_id, topic.name) == (
            (self.topic_id, "") if version >= FIRST_PRODUCE_WITH_IDS else (ZERO_UUID, self.name)
        )
        (answer,) = topic.partition_responses
        assert answer.index == partition
        return answer

    def fetch_topic(
        self, offsets: Mapping[int, int], version: int = 12, **partition: Any
    ) -> FetchTopic:
        """What of this topic to fetch: partition index -> offset."""
        by_id = version >= FIRST_FETCH_WITH_IDS
        fields = {"partition_max_bytes": 1 << 20} | partition
        return FetchTopic(
            topic="" if by_id else self.name,
            topic_id=self.topic_id if by_id else ZERO_UUID,
            partitions=[
                FetchPartition(partition=index, fetch_offset=offset, **fields)
                for index, offset in offsets.items()
            ],
        )

    def forgotten(self, *indexes: int, version: int = 12) -> ForgottenTopic:
        """What of this topic an incremental fetch drops."""
        by_id = version >= FIRST_FETCH_WITH_IDS
        return ForgottenTopic(
            topic="" if by_id else self.name,
            topic_id=self.topic_id if by_id else ZERO_UUID,
            partitions=list(indexes),
        )

    def fetch(self, offset: int, version: int = 12, **options: Any) -> Any:
        """The answer of one partition to a sessionless fetch."""
        partition = options.pop("partition", 0)
        fields = {
            name: options.pop(name)
            for name in ("partition_max_bytes", "current_leader_epoch", "last_fetched_epoch")
            if name in options
        }
        topic = self.fetch_topic({partition: offset}, version, **fields)
        response = self.peer.call(fetch_request(topic, **options), version)
        assert response.error_code == 0
        (answered,) = response.responses
        assert (answered.topic_id, answered.topic) == (topic.topic_id, topic.topic)
        (answer,) = answered.partitions
        assert answer.partition_index == partition
        return answer


def fetch_request(*topics: FetchTopic, **fields: Any) -> FetchRequest:
    """A sessionless fetch of a consumer that waits for nothing, unless `fields` say otherwise."""
    defaults: dict[str, Any] = {
        "max_wait_ms": 0,
        "min_bytes": 1,
        "max_bytes": 50 << 20,
        "session_id": 0,
        "session_epoch": -1,
    }
    return FetchRequest(topics=list(topics), **(defaults | fields))


def batch_of(*values: bytes, timestamp: int = NOW_MS, **header: Any) -> bytes:
    """An uncompressed batch, or as `header` (see `build_batch`) says, without keys."""
    return build_batch([(timestamp, None, value, []) for value in values], **header)


def batch_of_size(size: int, **header: Any) -> bytes:
    """A batch of one record and exactly `size` bytes."""
    for padding in range(size - 68, size - 76, -1):
        if len(made := batch_of(b"x" * padding, **header)) == size:
            return made
    raise AssertionError(f"no batch of one record has {size} bytes")


def records_of(data: bytes | memoryview) -> list[Record]:
    """All records of whole batches."""
    return [record for batch in batches_of(data) for record in decode_records(batch)]


def batches_of(data: bytes | memoryview) -> list[memoryview]:
    """Whole batches, one after the other; asserts that nothing is left."""
    view = memoryview(data)
    found = []
    while view:
        size = read_header(view).size_bytes
        assert size <= len(view), "a batch is cut"
        found.append(view[:size])
        view = view[size:]
    return found


def changed(batch: bytes, at: int, value: bytes) -> bytes:
    """A copy of `batch` with other bytes at a position, its CRC left as it was."""
    return batch[:at] + value + batch[at + len(value) :]
