"""A broker's handlers without its sockets and its quorum: real frames, real image, real logs.

`ask` sends one request through the dispatcher, as bytes in its version, and decodes the answer. The
controller is a small one of our own (`TestController`): what it is asked is written
down, and topics that it creates appear in the image.
"""

import asyncio
import random
import uuid
from pathlib import Path
from typing import Any

import pytest

from minikafka.api.context import Services
from minikafka.api.dispatch import Dispatcher
from minikafka.api.producer_ids import ProducerIdSource
from minikafka.log.directory import LogDirectory
from minikafka.log.partition_log import PartitionLog
from minikafka.metadata.image import MetadataImage
from minikafka.protocol.apis import request_header_version, response_class, response_header_version
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)
from minikafka.protocol.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.register_broker_record import (
    BrokerEndpoint,
    RegisterBrokerRecord,
)
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.protocol.types import Message
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch
from minikafka.replication.fetch_session import FetchSessionCache
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.local_disk import LocalDisk
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings

NODE_ID = 1
CLUSTER_ID = "G9pOVcrcTuKIrxnu_FpNhg"


class ClientConnection:
    """What a handler sees of a connection."""

    def __init__(self, listener: str, local: tuple[str, int]) -> None:
        self.listener = listener
        self.local = local
        self.peer = ("192.0.2.7", 50000)


class OneExchange:
    """One request's answer, collected."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answer(self, parts: list[Any]) -> None:
        self.answered.set_result(b"".join(bytes(part) for part in parts))

    def close(self, reason: str) -> None:
        self.answered.set_exception(ConnectionError(reason))


class TestController:
    """An active controller that creates topics at once and notes down everything else."""

    __test__ = False

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.asked: list[tuple[Message, int, str | None]] = []
        self.answers: list[Message | KafkaError] = []
        self.arrivals: asyncio.Queue[Message] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.next_producer_id = 0

    async def handle(
        self, request: Message, version: int, client_id: str | None, client_host: str | None = None
    ) -> Message:
        self.asked.append((request, version, client_id))
        self.arrivals.put_nowait(request)
        await self.gate.wait()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, KafkaError):
                raise answer
            return answer
        if isinstance(request, CreateTopicsRequest):
            return self._create(request)
        if isinstance(request, AllocateProducerIdsRequest):
            start = self.next_producer_id
            self.next_producer_id += 1000
            return AllocateProducerIdsResponse(producer_id_start=start, producer_id_len=1000)
        raise KafkaError(ErrorCode.INVALID_REQUEST)

    def _create(self, request: CreateTopicsRequest) -> CreateTopicsResponse:
        for topic in request.topics:
            self.cluster.add_topic(topic.name, topic.num_partitions)
        return CreateTopicsResponse(
            topics=[CreatableTopicResult(name=topic.name) for topic in request.topics]
        )


class Replicas:
    """This broker's partitions by name, each with a real log."""

    def __init__(self, image: MetadataImage, settings: BrokerSettings, directory: Path) -> None:
        self.image = image
        self.settings = settings
        self.directory = directory
        self.disk = LocalDisk()
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.failed: list[tuple[Partition, OSError]] = []
        self.online: list[LogDirectory] = []

    def publish(self) -> None:
        for topic, index, image in self.image.partitions():
            if NODE_ID in image.replicas:
                key = (topic.name, index)
                if key not in self.partitions:
                    log = self._open(topic.name, index)
                    self.partitions[key] = Partition(
                        NODE_ID, topic.name, topic.topic_id, index, log
                    )
                partition = self.partitions[key]
                partition.configure(self._topic_settings(topic.name))
                partition.apply(image)

    def partition(self, topic: str, index: int) -> Partition:
        if (topic, index) in self.partitions:
            return self.partitions[topic, index]
        if self.image.partition(topic, index) is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    def leader(self, topic: str, index: int, current_leader_epoch: int = -1) -> Partition:
        partition = self.partition(topic, index)
        partition.check_leader(current_leader_epoch)
        return partition

    def storage_failed(self, partition: Partition, error: OSError) -> None:
        self.failed.append((partition, error))

    def close(self) -> None:
        for partition in self.partitions.values():
            partition.log.close(clean=False)  # type: ignore[attr-defined]  # a PartitionLog

    def _open(self, topic: str, index: int) -> PartitionLog:
        return PartitionLog.open(
            self.disk,
            str(self.directory / f"{topic}-{index}"),
            topic=topic,
            partition=index,
            settings=self._topic_settings(topic),
            wall_ms=0,
            clean=True,
            producer_expiration_ms=86_400_000,
        )

    def _topic_settings(self, topic: str) -> TopicSettings:
        return TopicSettings.resolve(self.image.topic_configs(topic), self.settings)


class Cluster:
    """The metadata of a cluster, made of the records that the controller would write."""

    def __init__(self, settings: BrokerSettings, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        loop = asyncio.get_running_loop()
        self.failures: list[BaseException] = []
        self.image = MetadataImage()
        self.controller = TestController(self)
        wall_clock = WallClock()
        age_clock = AgeClock(loop, wall_clock)
        self.scope = Scope("test", lambda _, error: self.failures.append(error))
        purgatory = Purgatory(loop)
        self.replicas = Replicas(self.image, settings, directory)
        self.services = Services(
            settings=settings,
            cluster_id=CLUSTER_ID,
            image=self.image,
            replicas=self.replicas,  # type: ignore[arg-type]  # what handlers need of them
            controller=self.controller,
            fetch_sessions=FetchSessionCache(10, random.Random(1)),
            purgatory=purgatory,
            producer_ids=ProducerIdSource(NODE_ID, self.image, self.controller, self.scope),
            wall_clock=wall_clock,
            age_clock=age_clock,
            random=random.Random(7),
            scope=self.scope,
            loop=loop,
        )
        self.dispatcher = Dispatcher(self.services)

    def replay(self, *records: Any) -> None:
        """Commit records: into the image, and to the replicas."""
        for record in records:
            self.image.replay(record)
            self.image.offset += 1
        self.replicas.publish()

    def add_broker(
        self, broker_id: int, *listeners: str, fenced: bool = False, **rest: Any
    ) -> None:
        """Register a broker; each listener is `NAME://host:port`."""
        endpoints = []
        for listener in listeners:
            name, _, address = listener.partition("://")
            host, _, port = address.rpartition(":")
            endpoints.append(BrokerEndpoint(name=name, host=host, port=int(port)))
        self.replay(
            RegisterBrokerRecord(
                broker_id=broker_id,
                incarnation_id=uuid.UUID(int=1000 + broker_id),
                broker_epoch=self.image.offset + 1,
                end_points=endpoints,
                fenced=fenced,
                rack=rest.pop("rack", None),
                **rest,
            )
        )

    def add_topic(
        self, name: str, partitions: int = 1, replicas: tuple[int, ...] = (NODE_ID,), **rest: Any
    ) -> uuid.UUID:
        """Create a topic whose partitions are led by the first of `replicas`."""
        topic_id = uuid.uuid5(uuid.NAMESPACE_DNS, name)
        fields = {
            "replicas": list(replicas),
            "isr": list(replicas),
            "leader": replicas[0],
            "leader_epoch": 0,
            "partition_epoch": 0,
        }
        self.replay(
            TopicRecord(name=name, topic_id=topic_id),
            *(
                PartitionRecord(partition_id=index, topic_id=topic_id, **(fields | rest))
                for index in range(partitions)
            ),
        )
        return topic_id

    def append(
        self, topic: str, *timestamps: int, index: int = 0, value: bytes = b"x", **header: Any
    ) -> None:
        """Append one batch to a partition led here, a record for each timestamp."""
        partition = self.replicas.partition(topic, index)
        batch = memoryview(
            bytearray(build_batch([(ts, None, value, []) for ts in timestamps], **header))
        )
        partition.log.append(batch, read_header(batch), partition.leader_epoch, 0)
        partition.advance_high_watermark()

    def configure(self, topic: str, key: str, value: str) -> None:
        """Set one config of a topic."""
        self.replay(ConfigRecord(resource_type=2, resource_name=topic, name=key, value=value))

    async def ask(
        self,
        request: Message,
        version: int,
        *,
        listener: str = "PLAINTEXT",
        local: tuple[str, int] = ("127.0.0.1", 9092),
        client_id: str = "tester",
    ) -> Any:
        """Send `request` in `version` as its bytes; the decoded answer.

        A ProtocolError or ConnectionError is what the client would see as a closed connection.
        """
        frame = request_frame(request, version, client_id)
        data = await self.ask_raw(frame, listener=listener, local=local)
        assert int.from_bytes(data[:4], "big") == 77
        api_key = type(request).api_key
        position = 4 + response_header_version(api_key, version)
        response, end = decode(response_class(api_key), version, data, position)
        assert end == len(data)
        return response

    async def ask_raw(
        self,
        frame: bytes,
        *,
        listener: str = "PLAINTEXT",
        local: tuple[str, int] = ("127.0.0.1", 9092),
    ) -> bytes:
        """The answer to a request, both as bytes without their size."""
        exchange = OneExchange(ClientConnection(listener, local))
        self.dispatcher.serve(exchange, memoryview(bytearray(frame)))  # type: ignore[arg-type]
        return await asyncio.wait_for(exchange.answered, 5)

    async def settle(self) -> None:
        """Let the tasks in the background run until nothing is left to do."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def close(self) -> None:
        await self.scope.close()
        self.replicas.close()
        assert not self.failures


def request_frame(request: Message, version: int, client_id: str | None) -> bytes:
    api_key = type(request).api_key
    header = RequestHeader(
        request_api_key=api_key,
        request_api_version=version,
        correlation_id=77,
        client_id=client_id,
    )
    return encode(header, request_header_version(api_key, version)) + encode(request, version)


def settings_of(**overrides: str) -> BrokerSettings:
    values = {
        "node.id": str(NODE_ID),
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:9093",
        "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
    }
    values |= {key.replace("_", "."): value for key, value in overrides.items()}
    return BrokerSettings.parse(values)


@pytest.fixture
async def bare(tmp_path: Path) -> Any:
    """A cluster without brokers and topics."""
    cluster = Cluster(settings_of(), tmp_path)
    yield cluster
    await cluster.close()


@pytest.fixture
async def cluster(bare: Cluster) -> Cluster:
    """A cluster of this one broker."""
    bare.add_broker(NODE_ID, "PLAINTEXT://127.0.0.1:9092")
    return bare


@pytest.fixture
async def make_cluster(tmp_path: Path) -> Any:
    """Make clusters with settings of their own."""
    made: list[Cluster] = []

    def make(**overrides: str) -> Cluster:
        made.append(Cluster(settings_of(**overrides), tmp_path / str(len(made))))
        return made[-1]

    yield make
    for cluster in made:
        await cluster.close()
