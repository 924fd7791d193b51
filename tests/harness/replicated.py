"""Brokers that replicate, in a simulation: their logs, fetchers and listeners are those of
production; metadata are committed by hand, and the controller is a small one that says what it did.

    async def story(world: World) -> None: ...

    tell(story, seed=7)
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID, uuid5

from minikafka.api.context import Services
from minikafka.api.dispatch import Dispatcher
from minikafka.api.producer_ids import ProducerIdSource
from minikafka.channel.channel import Channel, open_channel
from minikafka.log.checkpoints import MetaProperties
from minikafka.log.directory import LogDirectory
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.network.limits import NetworkLimits
from minikafka.network.server import Server
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionResponse,
    AlterPartitionResponsePartitionData,
    AlterPartitionResponseTopicData,
)
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from minikafka.protocol.records.metadata.broker_registration_change_record import (
    BrokerRegistrationChangeRecord,
)
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.register_broker_record import (
    BrokerEndpoint,
    RegisterBrokerRecord,
)
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.protocol.types import Message
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch
from minikafka.records.record import decode_records
from minikafka.replication.fetch_session import FetchSessionCache
from minikafka.replication.flushing import Flusher
from minikafka.replication.maintenance import Maintenance
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.replicas import ReplicaManager
from minikafka.replication.surroundings import Surroundings
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.entropy import random_source
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.replication import RACK_AWARE
from minikafka.sim.disk import SimDisk
from minikafka.sim.errors import ProcessGone
from minikafka.sim.loop import SimLoop, simulation

T = TypeVar("T")

CLUSTER_ID = "Nj5GKOPgT4q9kBth5aocGg"
NAMES = UUID(int=77 << 80)
PORT = 9092
METADATA_DELAY_S = 0.005
TOPIC = "orders"


def tell(story: Any, seed: int, **settings: str) -> None:
    """Run one story of three brokers; nothing may fail unheard."""
    with simulation(seed, limit_s=300) as loop:
        world = World(loop, [1, 2, 3], replica_lag_time_max_ms="3000", **settings)
        loop.run_until_complete(story(world))
        assert world.failures == []
        assert loop.errors == []


class Node:
    """One broker's machine. `replicas` and `image` are those of its present life."""

    def __init__(self, world: "World", node_id: int, settings: dict[str, str]) -> None:
        self.world = world
        self.node_id = node_id
        # How long after its commit this broker hears of a record.
        self.metadata_delay_s = METADATA_DELAY_S
        self.machine = world.loop.machine(f"b{node_id}")
        self.disk = SimDisk(f"disk {node_id}")
        self.machine.attach(self.disk)
        mount = self.disk.mount()
        mount.mkdir("/data")
        mount.fsync_dir_now("/")
        meta = MetaProperties(node_id, CLUSTER_ID, UUID(int=(1000 + node_id) << 80))
        LogDirectory.write_meta(mount, "/data", meta)
        listeners = f"PLAINTEXT://b{node_id}:{PORT},CONTROLLER://b{node_id}:{PORT + 1}"
        self.settings = BrokerSettings.parse(
            {
                "node.id": str(node_id),
                "process.roles": "broker,controller",
                "controller.quorum.voters": f"{node_id}@b{node_id}:{PORT + 1}",
                "controller.listener.names": "CONTROLLER",
                "listeners": listeners,
                "log.dirs": "/data",
                "broker.rack": f"r{node_id}",
                "replica.selector.class": RACK_AWARE,
            }
            | settings
        )
        self.image = MetadataImage()
        self.replicas: ReplicaManager
        self.broker_epoch = -1
        self.is_up = self.fenced = False
        self._ready: asyncio.Future[None]

    async def start(self, *, fenced: bool = False) -> None:
        """Start a life on what the disk holds, registered and unfenced or not."""
        self.fenced = fenced
        self.image = MetadataImage()
        self.is_up = True
        self._ready = self.world.loop.create_future()
        self.machine.start(self._run)
        await self._ready

    def crash(self, *, power: bool = False) -> None:
        self.is_up = False
        self.machine.crash(power)

    def partition(self, index: int = 0, topic: str = TOPIC) -> Partition:
        return self.replicas.partition(topic, index)

    def values(self, index: int = 0, *, committed: bool = False, topic: str = TOPIC) -> list[bytes]:
        """What its log holds, or what of it is committed as far as it knows."""
        partition = self.partition(index, topic)
        log: Any = partition.log
        found: list[bytes] = []
        offset = log.log_start_offset
        bound = partition.high_watermark if committed else log.log_end_offset
        while offset < bound:
            read = log.read(offset, 1, max_offset=bound, min_one_batch=True)
            data = read.region.read(0, read.size)
            read.region.release()
            found += [bytes(record.value or b"") for record in decode_records(memoryview(data))]
            offset = read_header(data).next_offset
        return found

    def epochs(self, index: int = 0) -> list[tuple[int, int]]:
        log: Any = self.partition(index).log
        found: list[tuple[int, int]] = log.leader_epochs.entries()
        return found

    async def _run(self) -> None:
        loop, settings, disk = self.world.loop, self.settings, self.disk.mount()
        scope = Scope(f"broker {self.node_id}", self.world.task_failed)
        wall_clock, random = WallClock(), random_source()
        purgatory = Purgatory(loop)
        age_clock = AgeClock(loop, wall_clock)
        self.apply(self.world.records)
        directory = LogDirectory.open(disk, "/data", node_id=self.node_id, cluster_id=CLUSTER_ID)
        replicas = self.replicas = ReplicaManager(
            settings=settings,
            image=self.image,
            directories=[directory],
            purgatory=purgatory,
            wall_clock=wall_clock,
            random=random,
            on_offline=lambda directory, error: None,
        )
        replicas.load()
        parts: dict[str, Any] = {
            "settings": settings,
            "replicas": replicas,
            "purgatory": purgatory,
            "age_clock": age_clock,
            "scope": scope,
        }
        Flusher(**parts).start()
        Maintenance(**parts, wall_clock=wall_clock).start()
        gateway = Gateway(self.world, self)
        services = Services(
            cluster_id=CLUSTER_ID,
            image=self.image,
            controller=gateway,
            fetch_sessions=FetchSessionCache(100, random),
            producer_ids=ProducerIdSource(self.node_id, self.image, gateway, scope),
            wall_clock=wall_clock,
            random=random,
            loop=loop,
            **parts,
        )
        server = Server(NetworkLimits(), Dispatcher(services).serve)
        await server.listen("PLAINTEXT", self.machine.name, PORT)
        self.broker_epoch = self.world.register(self)
        replicas.leading.start(gateway, lambda: self.broker_epoch, scope, random)
        replicas.following.start(
            Surroundings(
                settings=settings,
                image=self.image,
                logs=replicas,
                purgatory=purgatory,
                quota=replicas.following.quota,
                wall_clock=wall_clock,
                broker_epoch=lambda: self.broker_epoch,
                scope=scope,
                random=random,
            )
        )
        self._ready.set_result(None)
        await loop.create_future()

    def apply(self, records: list[Any]) -> None:
        """Take committed records into the image, and tell the replicas."""
        delta = MetadataDelta()
        for record in records:
            delta.touch(self.image, record)
            self.image.replay(record)
            self.image.offset += 1
        if hasattr(self, "replicas"):
            self.replicas.publish(self.image, delta)
            for_all, own = self.image.cluster_configs, self.image.broker_configs(self.node_id)
            settings = self.settings.with_dynamic(for_all, own)
            self.replicas.leading.reconfigure(settings)
            self.replicas.following.reconfigure(settings)


class Gateway:
    """A broker's way to the controller of the world, which takes a while."""

    def __init__(self, world: "World", node: Node) -> None:
        self._world = world
        self._node = node

    async def handle(
        self, request: Message, version: int, client_id: str | None, client_host: str | None = None
    ) -> Message:
        assert isinstance(request, AlterPartitionRequest)
        await asyncio.sleep(self._world.controller_delay_s)
        response = self._world.alter_partition(request)
        await asyncio.sleep(self._world.controller_delay_s)
        return response


class World:
    """`story` is what the controller was asked and what it decided, line by line."""

    def __init__(self, loop: SimLoop, node_ids: list[int], **settings: str) -> None:
        self.loop = loop
        self.records: list[Any] = []
        self.image = MetadataImage()
        self.failures: list[BaseException] = []
        self.story: list[str] = []
        self.controller_delay_s = 0.01
        # Answers that the controller gives instead of its own, one after the other.
        self.refusals: list[ErrorCode | KafkaError] = []
        values = {name.replace("_", "."): value for name, value in settings.items()}
        self.nodes = {node_id: Node(self, node_id, values) for node_id in node_ids}

    def task_failed(self, name: str, error: BaseException) -> None:
        if not isinstance(error, ProcessGone):
            self.failures.append(error)

    # -- metadata -----------------------------------------------------------------------------

    def commit(self, *records: Any) -> None:
        """Commit at once; every broker hears of it a moment later."""
        for record in records:
            self.image.replay(record)
            self.image.offset += 1
        self.records += records
        for node in self.nodes.values():
            if node.is_up:
                life = node.machine.process
                heard_s = self.loop.now + node.metadata_delay_s
                self.loop.at(heard_s, self._tell, node, life, records)

    def _tell(self, node: Node, life: Any, records: Any) -> None:
        if not life.dead:
            self.loop.post(life, self._tell_inside, node, list(records))

    @staticmethod
    def _tell_inside(node: Node, records: list[Any]) -> None:
        node.apply(records)

    def register(self, node: Node) -> int:
        epoch = self.image.offset + 1
        endpoint = BrokerEndpoint(name="PLAINTEXT", host=node.machine.name, port=PORT)
        self.commit(
            RegisterBrokerRecord(
                broker_id=node.node_id,
                incarnation_id=UUID(int=epoch + 1),
                broker_epoch=epoch,
                end_points=[endpoint],
                fenced=node.fenced,
                rack=f"r{node.node_id}",
            )
        )
        return epoch

    def fence(self, node_id: int, *, fenced: bool = True) -> None:
        broker = self.image.brokers[node_id]
        self.commit(
            BrokerRegistrationChangeRecord(
                broker_id=node_id, broker_epoch=broker.epoch, fenced=1 if fenced else -1
            )
        )

    def configure(self, kind: int, name: str, **configs: str) -> None:
        """Set configs of a topic (kind 2) or of a broker (4)."""
        self.commit(
            *(
                ConfigRecord(
                    resource_type=kind, resource_name=name, name=n.replace("_", "."), value=value
                )
                for n, value in configs.items()
            )
        )

    def create(
        self, *replicas: int, partitions: int = 1, topic: str = TOPIC, **config: str
    ) -> None:
        topic_id = uuid5(NAMES, topic)
        self.commit(
            TopicRecord(name=topic, topic_id=topic_id),
            *(
                ConfigRecord(
                    resource_type=2, resource_name=topic, name=n.replace("_", "."), value=v
                )
                for n, v in config.items()
            ),
            *(
                PartitionRecord(
                    partition_id=index,
                    topic_id=topic_id,
                    replicas=list(replicas),
                    isr=list(replicas),
                    leader=replicas[0],
                    leader_epoch=0,
                    partition_epoch=0,
                )
                for index in range(partitions)
            ),
        )

    def change(self, index: int = 0, topic: str = TOPIC, **fields: Any) -> None:
        self.commit(
            PartitionChangeRecord(
                partition_id=index, topic_id=self.image.topics[topic].topic_id, **fields
            )
        )

    def alter_partition(self, request: AlterPartitionRequest) -> AlterPartitionResponse:
        if self.refusals and isinstance(self.refusals[0], KafkaError):
            error = self.refusals.pop(0)
            self.story.append(f"refused as a whole: {error}")
            assert isinstance(error, KafkaError)
            raise error
        topics = [
            AlterPartitionResponseTopicData(
                topic_id=topic.topic_id,
                partitions=[
                    self._alter(request.broker_id, topic.topic_id, wanted)
                    for wanted in topic.partitions
                ],
            )
            for topic in request.topics
        ]
        return AlterPartitionResponse(topics=topics)

    def _alter(
        self, leader: int, topic_id: UUID, wanted: Any
    ) -> AlterPartitionResponsePartitionData:
        topic = self.image.topics_by_id[topic_id]
        partition = topic.partitions[wanted.partition_index]
        isr = [member.broker_id for member in wanted.new_isr_with_epochs]
        line = f"{topic.name}-{wanted.partition_index}: {leader} proposes {isr}"
        code = self._judge(leader, partition, wanted)
        if self.refusals:
            refusal = self.refusals.pop(0)
            assert isinstance(refusal, ErrorCode)
            code = refusal
        if code != ErrorCode.NONE:
            self.story.append(f"{line}: {code.name}")
            return AlterPartitionResponsePartitionData(
                partition_index=wanted.partition_index, error_code=int(code)
            )
        self.story.append(line)
        self.change(wanted.partition_index, topic.name, isr=isr)
        partition = topic.partitions[wanted.partition_index]
        return AlterPartitionResponsePartitionData(
            partition_index=wanted.partition_index,
            leader_id=partition.leader,
            leader_epoch=partition.leader_epoch,
            isr=isr,
            partition_epoch=partition.partition_epoch,
        )

    def _judge(self, leader: int, partition: Any, wanted: Any) -> ErrorCode:
        if (leader, wanted.leader_epoch) != (partition.leader, partition.leader_epoch):
            return ErrorCode.FENCED_LEADER_EPOCH
        if wanted.partition_epoch != partition.partition_epoch:
            return ErrorCode.INVALID_UPDATE_VERSION
        for member in wanted.new_isr_with_epochs:
            broker = self.image.brokers.get(member.broker_id)
            if broker is None or broker.fenced or member.broker_epoch not in (-1, broker.epoch):
                return ErrorCode.INELIGIBLE_REPLICA
        return ErrorCode.NONE

    # -- clients ------------------------------------------------------------------------------

    async def on(self, machine: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something on a machine without a broker."""
        return await self.loop.machine(machine).start(work)

    async def produce(
        self,
        node_id: int,
        *values: bytes,
        acks: int = -1,
        timeout_ms: int = 30_000,
        index: int = 0,
        producer: tuple[int, int, int] = (-1, -1, -1),
    ) -> tuple[ErrorCode, int]:
        """Produce one batch; its error and base offset. `producer`: id, epoch and sequence."""
        batch = build_batch(
            [(0, None, value, ()) for value in values],
            producer_id=producer[0],
            producer_epoch=producer[1],
            base_sequence=producer[2],
        )
        request = ProduceRequest(
            acks=acks,
            timeout_ms=timeout_ms,
            topic_data=[
                TopicProduceData(
                    topic_id=self.image.topics[TOPIC].topic_id,
                    partition_data=[PartitionProduceData(index=index, records=batch)],
                )
            ],
        )
        response = await self.call(node_id, request, ProduceResponse)
        answer = response.responses[0].partition_responses[0]
        return ErrorCode(answer.error_code), answer.base_offset

    async def call(self, node_id: int, request: Message, kind: type[T], **limits: Any) -> T:
        """One request on a connection of its own."""
        channel: Channel = await open_channel(f"b{node_id}", PORT, client_id="test", timeout_s=10)
        try:
            answer: Any = await channel.call(request, kind, 60, **limits)
        finally:
            channel.close()
        found: T = answer
        return found

    async def until(self, condition: Callable[[], bool], within_s: float = 60) -> float:
        """Wait for a condition; the virtual seconds that it took."""
        began = self.loop.now
        while not condition():  # virtual time costs nothing
            assert self.loop.now - began < within_s, "it never came true"
            await asyncio.sleep(0.001)
        return self.loop.now - began
