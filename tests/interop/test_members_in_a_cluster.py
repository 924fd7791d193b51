"""Groups of every client, and of our own, while each node of a cluster is killed in turn.

Whatever a group needs is on one of the nodes: its coordinator, the leaders of its partitions, the
controller. So each of them moves away from under it, and everything that is written meanwhile must
be read and committed by the same members.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import members_truth
from harness.clients import ConfluentKafka, Keyed
from harness.cluster import RunningCluster
from harness.members import LIBRARIES, OUR_SDK, PATIENCE_S, Library, Member, member_class, share

TOPIC = "lived-through"
PARTITIONS = 6
LINES = 60
SESSION_MS = 45_000
LONG_ROUNDS = 5
# Of all clients together, on a machine that is busy with nodes and clients.
_TOGETHER_S = 4 * PATIENCE_S


class Story:
    """A cluster, a group for each client, and all that was written so far."""

    def __init__(self, cluster: RunningCluster, libraries: tuple[Library, ...], each: int) -> None:
        self.cluster = cluster
        self.lines: list[str] = []
        cluster.create_topic(TOPIC, PARTITIONS)
        self.groups: dict[str, list[Member]] = {
            library.name: [self._start(library, number) for number in range(each)]
            for library in libraries
        }

    def _start(self, library: Library, number: int) -> Member:
        name = f"{library.name}-{number}"
        bootstrap = self.cluster.bootstrap
        return member_class(library)(library, bootstrap, library.name, TOPIC, name, SESSION_MS)

    def close(self) -> None:
        for members in self.groups.values():
            for member in members:
                member.die()

    def settle(self) -> None:
        for members in self.groups.values():
            sizes = [PARTITIONS // len(members)] * len(members)
            share(members, PARTITIONS, sizes, _TOGETHER_S)

    def write_and_read(self) -> None:
        """Every group reads everything that was ever written, and commits it."""
        new = [f"line {len(self.lines) + number}" for number in range(LINES)]
        self.lines += new
        records = [Keyed(line.encode(), line.encode()) for line in new]
        ConfluentKafka().produce(self.cluster.bootstrap, TOPIC, records)
        deadline = time.monotonic() + _TOGETHER_S
        for name, members in self.groups.items():
            while {read.value for member in members for read in member.read} != set(self.lines):
                self._goes_on(members, deadline, f"{name} lacks lines")
            while not self._committed_all(name):
                for member in members:
                    member.commit()
                self._goes_on(members, deadline, f"{name} has not committed")

    def _goes_on(self, members: list[Member], deadline: float, what: str) -> None:
        stories = "\n".join(member.story() for member in members)
        assert all(member.process.poll() is None for member in members), f"ended: {stories}"
        assert time.monotonic() < deadline, f"{what}: {stories}"
        time.sleep(0.05)

    def _committed_all(self, group: str) -> bool:
        coordinator = self.cluster.coordinator(group)
        if not coordinator.answers:
            return False
        with coordinator.peer() as peer:
            committed = members_truth.committed(peer, group, TOPIC, PARTITIONS)
        return sum(committed.values()) == len(self.lines)

    def every_node_dies_once(self) -> None:
        for node in self.cluster.nodes:
            node.kill()
            self.write_and_read()
            node.spawn()
            self.cluster.wait_unfenced()
            self.cluster.wait_in_sync(TOPIC, "__consumer_offsets")
            self.write_and_read()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RunningCluster]:
    settings = {
        "offsets.topic.num.partitions": "6",
        # Long enough for all members to know all partitions before their leader assigns.
        "group.initial.rebalance.delay.ms": "1000",
    }
    with RunningCluster(tmp_path, settings=settings, first_id=1) as running:
        yield running
        running.assert_alive()


def tell(cluster: RunningCluster, rounds: int, each: int) -> None:
    story = Story(cluster, (*LIBRARIES, OUR_SDK), each)
    try:
        story.settle()
        story.write_and_read()
        for _ in range(rounds):
            story.every_node_dies_once()
        story.settle()
    finally:
        story.close()


def test_groups_of_every_client_live_through_the_death_of_every_node(
    cluster: RunningCluster,
) -> None:
    tell(cluster, rounds=1, each=1)


@pytest.mark.mixed
def test_the_same_five_times_with_two_members_each(cluster: RunningCluster) -> None:
    tell(cluster, rounds=LONG_ROUNDS, each=2)
