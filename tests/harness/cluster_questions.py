"""What a cluster is asked from outside, what is waited for, and what it is told."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from harness.broker import BrokerDied
from harness.cluster_node import Node
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumRequestPartitionData,
    DescribeQuorumRequestTopicData,
)
from minikafka.protocol.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from minikafka.protocol.messages.find_coordinator import FindCoordinatorRequest
from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.protocol.types import Message

PATIENCE_S = 180.0
_RETRY_S = 0.01
_ALREADY_EXISTS = 36
_PASSING = (5, 7, 15, 41)  # no leader, timed out, no coordinator or controller just now

Found = TypeVar("Found")


class AskedCluster:
    """The nodes, and questions to whichever of them answers."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = list(nodes)

    def __getitem__(self, node_id: int) -> Node:
        return next(node for node in self.nodes if node.node_id == node_id)

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes)

    @property
    def node_ids(self) -> list[int]:
        return [node.node_id for node in self.nodes]

    def living(self) -> list[Node]:
        return [node for node in self.nodes if node.answers]

    def others(self, *excluded: Node) -> list[Node]:
        return [node for node in self.nodes if node not in excluded]

    def assert_alive(self) -> None:
        for node in self.nodes:
            node.assert_alive()

    def ask(self, message: Message, version: int, among: Iterable[Node] | None = None) -> Any:
        """The answer of the first node that gives one. Raises ConnectionError if none does."""
        for node in self.living() if among is None else among:
            try:
                with node.peer() as peer:
                    return peer.call(message, version)
            except OSError:
                continue  # It starts, or ends, or hears us and cannot answer.
        raise ConnectionError("no node answers")

    def until(
        self,
        what: str,
        question: Callable[[], Found | None],
        timeout_s: float = PATIENCE_S,
    ) -> Found:
        """Ask until the answer is true, and return it; connections may fail meanwhile."""
        deadline = time.monotonic() + timeout_s
        while True:
            seen: object
            try:
                if seen := question():
                    return seen
            except OSError as error:
                seen = error
            for node in self.nodes:
                if node.process is not None and node.process.poll() is not None:
                    raise BrokerDied(f"node {node.node_id} ended: {node.output_tail()}")
            if time.monotonic() > deadline:
                tails = "\n".join(
                    f"-- node {node.node_id} ({node.software.value})\n{node.output_tail(15)}"
                    for node in self.nodes
                )
                raise TimeoutError(f"waited {timeout_s} s for {what}, last {seen!r}\n{tails}")
            time.sleep(_RETRY_S)

    def metadata(self, *topics: str, among: Iterable[Node] | None = None) -> Any:
        wanted = [MetadataRequestTopic(name=name) for name in topics]
        request = MetadataRequest(topics=wanted, allow_auto_topic_creation=False)
        return self.ask(request, 12, among)

    def partition(self, topic: str, index: int = 0) -> Any:
        """What Metadata says of it; None while nobody knows of it."""
        (described,) = self.metadata(topic).topics
        found = [each for each in described.partitions if each.partition_index == index]
        return found[0] if found else None

    def leader(self, topic: str, index: int = 0) -> Node:
        """The node that leads it, as soon as one does."""

        def leading() -> Node | None:
            found = self.partition(topic, index)
            return self[found.leader_id] if found is not None and found.leader_id >= 0 else None

        return self.until(f"a leader of {topic}-{index}", leading)

    def quorum(self) -> Any:
        """The answer to DescribeQuorum for the metadata partition; None while nobody leads."""
        topic = DescribeQuorumRequestTopicData(
            topic_name="__cluster_metadata",
            partitions=[DescribeQuorumRequestPartitionData(partition_index=0)],
        )
        answer = self.ask(DescribeQuorumRequest(topics=[topic]), 2)
        if answer.error_code or answer.topics[0].partitions[0].error_code:
            return None
        return answer.topics[0].partitions[0]

    def controller(self) -> Node:
        """The active controller, as soon as there is one that runs."""

        def leading() -> Node | None:
            found = self.quorum()
            if found is None or found.leader_id < 0:
                return None
            node = self[found.leader_id]
            return node if node.answers else None

        return self.until("an active controller", leading)

    def coordinator(self, group: str) -> Node:
        def coordinating() -> Node | None:
            answer = self.ask(FindCoordinatorRequest(key_type=0, coordinator_keys=[group]), 4)
            (found,) = answer.coordinators
            return self[found.node_id] if found.error_code == 0 else None

        return self.until(f"a coordinator of {group}", coordinating)

    # -- what is waited for -----------------------------------------------------------------------

    def wait_unfenced(self, timeout_s: float = PATIENCE_S, among: Sequence[Node] = ()) -> None:
        """Until each of the nodes (all) lists each of them."""
        nodes = among or self.nodes
        wanted = {node.node_id for node in nodes}

        def listed() -> bool:
            for node in nodes:
                with node.peer() as peer:
                    if not wanted <= set(peer.broker_ids()):
                        return False
            return True

        self.until(f"{sorted(wanted)} to be unfenced", listed, timeout_s)

    def wait_in_sync(self, *topics: str, count: int = 3, timeout_s: float = PATIENCE_S) -> None:
        """Until all partitions of the topics have a leader and so many replicas in sync."""

        def in_sync() -> bool:
            described = self.metadata(*topics).topics
            return all(
                topic.error_code == 0
                and topic.partitions
                and all(
                    each.leader_id >= 0 and len(each.isr_nodes) == count
                    for each in topic.partitions
                )
                for topic in described
            )

        self.until(f"{count} replicas of {topics} in sync", in_sync, timeout_s)

    # -- what it is told --------------------------------------------------------------------------

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        replicas: int = 3,
        configs: Mapping[str, str] | None = None,
        assignment: Sequence[Sequence[int]] = (),
    ) -> None:
        """Create it and wait until all replicas are in sync; `assignment` places them by hand."""
        topic = CreatableTopic(
            name=name,
            num_partitions=-1 if assignment else partitions,
            replication_factor=-1 if assignment else replicas,
            assignments=[
                CreatableReplicaAssignment(partition_index=index, broker_ids=list(ids))
                for index, ids in enumerate(assignment)
            ],
            configs=[
                CreatableTopicConfig(name=key, value=value)
                for key, value in (configs or {}).items()
            ],
        )

        def created() -> bool:
            request = CreateTopicsRequest(topics=[topic], timeout_ms=10_000)
            (answer,) = self.ask(request, 7).topics
            code = answer.error_code
            assert code in (0, _ALREADY_EXISTS, *_PASSING), f"{name}: {answer}"
            return code in (0, _ALREADY_EXISTS)

        self.until(f"{name} to be created", created)
        count = len(assignment[0]) if assignment else replicas
        self.wait_in_sync(name, count=count)

    def elect_preferred(self, topic: str, partitions: int) -> None:
        """Have the first replica of each partition lead it."""
        places = TopicPartitions(topic=topic, partitions=list(range(partitions)))
        request = ElectLeadersRequest(election_type=0, topic_partitions=[places], timeout_ms=10_000)
        self.until("an election", lambda: self.ask(request, 2).error_code == 0)
