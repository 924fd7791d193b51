"""Each Python client, members over twelve partitions: join, leave, death, static return."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.broker import RunningBroker
from harness.clients import PYTHON_CLIENTS, Keyed
from harness.group_member import LIBRARIES, GroupMember, settled

PARTITIONS = 12

each_library = pytest.mark.parametrize("library", LIBRARIES)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    # Members that start together begin together, and know the topic before the leader assigns. Else
    # the leader joins again once it does, and kafka-python's join_group_async can forget that join:
    # when poll(timeout) ends between JoinGroup and SyncGroup, and assigning has meanwhile removed
    # the only reason to rejoin, nobody asks for the finished join any more. With Kafka as well.
    settings = {"group.min.session.timeout.ms": "500", "group.initial.rebalance.delay.ms": "500"}
    with RunningBroker(tmp_path_factory.mktemp("groups"), settings) as running:
        yield running
        running.assert_alive()


class Members:
    """Starts members of one group and ends whatever is left of them."""

    def __init__(self, broker: RunningBroker, library: str, group: str) -> None:
        self.broker = broker
        self.client_name = library
        self.group = group
        self.topic = f"{group}-topic"
        self.started: list[GroupMember] = []
        with broker.connect() as wire:
            wire.create_topic(self.topic, PARTITIONS)

    def start(self, instance: str | None = None) -> GroupMember:
        member = GroupMember(
            self.client_name, self.broker.bootstrap, self.group, self.topic, instance
        )
        self.started.append(member)
        return member

    def end(self) -> None:
        for member in self.started:
            member.die()


@pytest.fixture
def members(
    broker: RunningBroker, library: str, request: pytest.FixtureRequest
) -> Iterator[Members]:
    made = Members(broker, library, f"{library}-{request.node.originalname}")
    yield made
    made.end()


@each_library
def test_members_share_what_those_that_left_or_died_had(members: Members) -> None:
    first, second, third = (members.start() for _ in range(3))
    settled([first, second, third], PARTITIONS)
    third.leave()
    settled([first, second], PARTITIONS)
    second.die()
    settled([first], PARTITIONS)


@each_library
def test_a_static_member_returns_without_a_rebalance(members: Members) -> None:
    stays, restarts = members.start("one"), members.start("two")
    settled([stays, restarts], PARTITIONS)
    told, had = stays.assignments_count, restarts.assigned
    restarts.die()
    back = members.start("two")
    settled([stays, back], PARTITIONS)
    assert back.assigned == had
    assert stays.assignments_count == told


@each_library
def test_commits_survive_the_death_of_broker_and_member(library: str, tmp_path: Path) -> None:
    client = next(each for each in PYTHON_CLIENTS if each.name == library)
    settings = {"group.min.session.timeout.ms": "500"}
    with RunningBroker(tmp_path, settings) as own_broker:
        made = Members(own_broker, library, "lives")
        client.produce(own_broker.bootstrap, made.topic, [Keyed(b"%d" % n, b"") for n in range(60)])
        reader = made.start()
        read_all(reader, 60)
        reader.die()
        own_broker.kill()
        own_broker.start()
        client.produce(own_broker.bootstrap, made.topic, [Keyed(b"%d" % n, b"") for n in range(30)])
        again = made.start()
        read_all(again, 30)
        again.leave()
        assert not set(reader.read) & set(again.read)
        made.end()


def read_all(member: GroupMember, count: int) -> None:
    member.wait_until(lambda: len(member.read) >= count)
    assert len(member.read) == count
