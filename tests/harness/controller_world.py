"""A controller and the brokers that it sees, each with a view of the metadata that may be old.

Brokers are processes that register, send heartbeats, report their ISRs and die; replicas are lists
of records, as far as they are needed to say what an election has lost. Nothing here is a network:
a request is decided at once, and a broker knows of it when it applies the metadata.

What is acknowledged was replicated to everybody whom the leader holds for in sync, each of whom
follows that leader in that epoch, and these were at least `min.insync.replicas`.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from minikafka.controller.controller import ClusterController
from minikafka.controller.features import bootstrap_feature_records
from minikafka.metadata.features import ELIGIBLE_LEADER_REPLICAS, SUPPORTED
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.loader import MetadataLoader
from minikafka.metadata.topic_image import NO_LEADER, PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages import alter_partition, alter_partition_reassignments
from minikafka.protocol.messages.broker_heartbeat import (
    BrokerHeartbeatRequest,
    BrokerHeartbeatResponse,
)
from minikafka.protocol.messages.broker_registration import (
    BrokerRegistrationRequest,
    Feature,
    Listener,
)
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from minikafka.settings.broker import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.controller.decision import Decision
    from minikafka.metadata.replay import MetadataRecord

CLUSTER_ID: Final = "4L6g3nShT-eMCtK--X86sw"
CONTROLLER_ID: Final = 100
HEARTBEAT_MS: Final = 2_000


class Broker:
    """One broker: its disk (`logs`, how much of them is flushed) and its process, if it runs."""

    def __init__(self, broker_id: int) -> None:
        self.broker_id = broker_id
        self.alive = False
        self.stopping = False
        self.epoch = -1
        self.clean_epoch = -1
        """What a stop in good order leaves on disk for the next process."""
        self.logs: dict[str, list[int]] = {}
        self.flushed: dict[str, int] = {}
        self.view: dict[str, PartitionImage] = {}
        """The partitions (of one-partition topics) as it has applied them."""
        self.applied = -1
        self.fetched: dict[tuple[str, int], tuple[int, int, int]] = {}
        """Of each follower the leader epoch, the end and the broker epoch of its last fetch."""

    def leads(self, topic: str) -> bool:
        return topic in self.view and self.view[topic].leader == self.broker_id

    def log(self, topic: str) -> list[int]:
        return self.logs.setdefault(topic, [])


class ControllerWorld:
    """Drives one active controller; every topic has one partition.

    `batches` are what it wrote, `acknowledged` the records of each topic that must not be lost.
    """

    def __init__(
        self, brokers: int, *, elr: bool = True, unclean: bool = False, min_isr: int = 1
    ) -> None:
        self.now_ms = 0
        self.batches: list[Sequence[MetadataRecord]] = []
        self.brokers = {number: Broker(number) for number in range(1, brokers + 1)}
        self.acknowledged: dict[str, list[int]] = {}
        self.min_isr = min_isr
        self._incarnations = 0
        self._records = 0
        random = Random(7)
        self.controller = ClusterController(
            cluster_id=CLUSTER_ID,
            settings=BrokerSettings.parse(
                {
                    "node.id": str(CONTROLLER_ID),
                    "process.roles": "controller",
                    "controller.quorum.voters": f"{CONTROLLER_ID}@localhost:9093",
                    "listeners": "CONTROLLER://localhost:9093",
                    "controller.listener.names": "CONTROLLER",
                    "min.insync.replicas": str(min_isr),
                    "unclean.leader.election.enable": str(unclean).lower(),
                }
            ),
            random=random,
            new_uuid=lambda: UUID(int=random.getrandbits(128), version=4),
        )
        levels = bootstrap_feature_records()
        if not elr:
            levels = [level for level in levels if level.name != ELIGIBLE_LEADER_REPLICAS]
        self.take(self.controller.activate(levels, 0))

    @property
    def image(self) -> MetadataImage:
        return self.controller.image

    def partition(self, topic: str) -> PartitionImage:
        return self.image.topics[topic].partitions[0]

    def take(self, decision: Decision[Any]) -> Any:
        if decision.records:
            self.batches.append(decision.records)
            self.controller.replay(
                decision.records,
                last_offset=self.image.offset + len(decision.records),
                epoch=1,
                wall_ms=self.now_ms,
            )
        return decision.response

    # -- brokers ----------------------------------------------------------------------------------

    def start(self, broker_id: int) -> bool:
        """Start its process; False if its former one still has a session."""
        broker = self.brokers[broker_id]
        if broker.alive:
            return True
        self._incarnations += 1
        request = BrokerRegistrationRequest(
            broker_id=broker_id,
            cluster_id=CLUSTER_ID,
            incarnation_id=UUID(int=self._incarnations),
            listeners=[Listener(name="PLAINTEXT", host="h", port=9000 + broker_id)],
            features=[
                Feature(name=name, min_supported_version=low, max_supported_version=high)
                for name, (low, high) in SUPPORTED.items()
            ],
            log_dirs=[UUID(int=1000 + broker_id)],
            previous_broker_epoch=broker.clean_epoch,
        )
        try:
            response = self.take(self.controller.register_broker(request, self.now_ms))
        except KafkaError as error:
            if error.code is not ErrorCode.DUPLICATE_BROKER_REGISTRATION:
                raise
            return False
        broker.epoch = response.broker_epoch
        broker.clean_epoch = -1
        broker.alive = True
        broker.stopping = False
        broker.applied = -1
        broker.fetched = {}
        return True

    def kill(self, broker_id: int, *, power: bool = False) -> None:
        """Its process is gone without a word; with the power, what it had not flushed."""
        broker = self.brokers[broker_id]
        broker.alive = False
        broker.view = {}
        if power:
            for topic, log in broker.logs.items():
                del log[broker.flushed.get(topic, 0) :]

    def stop(self, broker_id: int) -> bool:
        """One step of a controlled shutdown; True when it has stopped."""
        broker = self.brokers[broker_id]
        broker.stopping = True
        if not broker.alive or not self.heartbeat(broker_id).should_shut_down:
            return not broker.alive
        broker.flushed = {topic: len(log) for topic, log in broker.logs.items()}
        broker.clean_epoch = broker.epoch
        broker.alive = False
        broker.view = {}
        return True

    def apply(self, broker_id: int) -> None:
        """It takes in the metadata up to now."""
        broker = self.brokers[broker_id]
        broker.applied = self.image.offset
        broker.view = {
            name: topic.partitions[0]
            for name, topic in self.image.topics.items()
            if broker_id in topic.partitions[0].replicas
        }

    def heartbeat(self, broker_id: int, *, fence: bool = False) -> BrokerHeartbeatResponse:
        broker = self.brokers[broker_id]
        request = BrokerHeartbeatRequest(
            broker_id=broker_id,
            broker_epoch=broker.epoch,
            current_metadata_offset=broker.applied,
            want_fence=fence,
            want_shut_down=broker.stopping,
        )
        response = self.take(self.controller.broker_heartbeat(request, self.now_ms))
        assert isinstance(response, BrokerHeartbeatResponse)
        return response

    def refused(self, broker_id: int) -> None:
        """Somebody has seen that nobody listens where this broker did."""
        broker = self.brokers[broker_id]
        if not broker.alive and broker_id in self.image.brokers:
            epoch = self.image.brokers[broker_id].epoch
            self.take(self.controller.broker_unreachable(broker_id, epoch))

    def pass_time(self, ms: int) -> None:
        """Time passes, without heartbeats."""
        self.now_ms += ms
        while self.take(self.controller.periodic(self.now_ms, read_by_others=False)):
            pass

    # -- data -------------------------------------------------------------------------------------

    def produce(self, topic: str) -> bool:
        """Write a record to whoever believes to lead; whether it was acknowledged (acks=all)."""
        acknowledged = False
        for leader in self.brokers.values():
            if not leader.alive or not leader.leads(topic):
                continue
            view = leader.view[topic]
            if len(view.isr) < min(self.min_isr, len(view.replicas)):
                continue
            self._records += 1
            leader.log(topic).append(self._records)
            if all(self.fetch(topic, member, leader) for member in view.isr):
                assert not acknowledged, "two leaders acknowledge"
                self.acknowledged.setdefault(topic, []).append(self._records)
                acknowledged = True
        return acknowledged

    def fetch(self, topic: str, broker_id: int, leader: Broker) -> bool:
        """One replica takes over the leader's log; whether it follows it at all."""
        follower = self.brokers[broker_id]
        if follower is leader:
            return True
        view, known = follower.view.get(topic), leader.view[topic]
        if not follower.alive or view is None or not leader.alive:
            return False
        if (view.leader, view.leader_epoch) != (leader.broker_id, known.leader_epoch):
            return False
        log = leader.log(topic)
        flushed = min(follower.flushed.get(topic, 0), _common(follower.log(topic), log))
        follower.flushed[topic] = flushed
        follower.logs[topic] = list(log)
        leader.fetched[topic, broker_id] = (known.leader_epoch, len(log), follower.epoch)
        return True

    def caught_up(self, topic: str, leader: Broker) -> list[int]:
        """The followers whose last fetch was at the end of the leader's log, in its epoch."""
        place = (leader.view[topic].leader_epoch, len(leader.log(topic)))
        return [
            follower
            for (name, follower), fetched in sorted(leader.fetched.items())
            if name == topic and fetched[:2] == place
        ]

    def flush(self, broker_id: int) -> None:
        broker = self.brokers[broker_id]
        broker.flushed = {topic: len(log) for topic, log in broker.logs.items()}

    def report(self, topic: str, leader_id: int, isr: Sequence[int]) -> int:
        """A leader reports who is in sync, by its own view; the answer's code.

        It names the epochs of the processes that have fetched from it, as far as it knows.
        """
        leader = self.brokers[leader_id]
        view = leader.view[topic]
        recovering = view.leader_recovery_state if len(isr) == 1 else 0
        asked = alter_partition.AlterPartitionRequestPartitionData(
            leader_epoch=view.leader_epoch,
            partition_epoch=view.partition_epoch,
            leader_recovery_state=recovering,
            new_isr_with_epochs=[
                alter_partition.BrokerState(
                    broker_id=i, broker_epoch=leader.fetched.get((topic, i), (0, 0, -1))[2]
                )
                for i in isr
            ],
        )
        topic_data = alter_partition.AlterPartitionRequestTopicData(
            topic_id=self.image.topics[topic].topic_id, partitions=[asked]
        )
        request = alter_partition.AlterPartitionRequest(
            broker_id=leader_id, broker_epoch=leader.epoch, topics=[topic_data]
        )
        response = self.take(self.controller.administer(request, 3))
        answer = response.topics[0].partitions[0]
        if answer.error_code == ErrorCode.NEW_LEADER_ELECTED:
            # Done, and somebody else leads now. Until it has applied that, it waits for everybody
            # whom it has proposed, the new leader among them, who follows it no more.
            fields = {name: getattr(view, name) for name in PartitionImage.__slots__}
            fields["isr"] = list(dict.fromkeys([*view.isr, *isr]))
            leader.view[topic] = PartitionImage(**fields)
        elif answer.error_code == ErrorCode.NONE:
            fields = {name: getattr(view, name) for name in PartitionImage.__slots__}
            fields |= {
                "isr": answer.isr,
                "leader_epoch": answer.leader_epoch,
                "partition_epoch": answer.partition_epoch,
                "leader_recovery_state": answer.leader_recovery_state,
            }
            leader.view[topic] = PartitionImage(**fields)
        return int(answer.error_code)

    # -- administrators ---------------------------------------------------------------------------

    def create(self, topic: str, replicas: Sequence[int]) -> str | None:
        """A topic of one partition; the text of a refusal."""
        asked = CreatableTopic(
            name=topic,
            num_partitions=-1,
            replication_factor=-1,
            assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=list(replicas))],
        )
        response = self.take(self.controller.create_topics(CreateTopicsRequest(topics=[asked])))
        message: str | None = response.topics[0].error_message
        return message

    def reassign(self, topic: str, replicas: Sequence[int] | None) -> str | None:
        """Begin a reassignment, or cancel it; the name of an error."""
        messages = alter_partition_reassignments
        asked = messages.ReassignablePartition(
            partition_index=0, replicas=None if replicas is None else list(replicas)
        )
        request = messages.AlterPartitionReassignmentsRequest(
            topics=[messages.ReassignableTopic(name=topic, partitions=[asked])]
        )
        response = self.take(self.controller.administer(request, 1))
        return _name(response.responses[0].partitions[0].error_code)

    def elect(self, topic: str, kind: int) -> str | None:
        """ElectLeaders, 0 preferred, 1 unclean; the name of an error."""
        request = ElectLeadersRequest(
            election_type=kind, topic_partitions=[TopicPartitions(topic=topic, partitions=[0])]
        )
        response = self.take(self.controller.administer(request, 2))
        return _name(response.replica_election_results[0].partition_result[0].error_code)

    # -- what must hold ---------------------------------------------------------------------------

    def replayed(self) -> MetadataImage:
        """An image made from the log alone."""
        loader = MetadataLoader(MetadataImage())
        for batch in self.batches:
            last_offset = loader.image.offset + len(batch)
            loader.replay_batch(batch, last_offset=last_offset, epoch=1, wall_ms=0)
        return loader.image

    def lost(self, topic: str) -> list[int]:
        """Acknowledged records that the present leader does not have, if it runs."""
        leader_id = self.partition(topic).leader
        if leader_id == NO_LEADER:
            return []
        leader = self.brokers[leader_id]
        if not leader.alive or leader.epoch != self.image.brokers[leader_id].epoch:
            return []
        held = set(leader.log(topic))
        return [record for record in self.acknowledged.get(topic, ()) if record not in held]


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many records both begin with."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _name(code: int) -> str | None:
    return None if code == 0 else ErrorCode(code).name
