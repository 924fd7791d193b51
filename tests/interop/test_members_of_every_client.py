"""One story for every foreign client: three members over twelve partitions, from join to deletion.

Each story has a broker process of its own; several are told at once, for most of each is waiting.
What the members say is compared with what the broker says on the wire and with what Kafka's own
kafka-consumer-groups prints. What was read is committed before the next disturbance, so no record
may be read twice. Only when the broker itself dies may a client begin a new generation whenever it
likes (Kafka's own does), and read what it had not yet committed again.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from harness import members_truth
from harness.broker import RunningBroker, Software, target
from harness.clients import ConfluentKafka, Keyed
from harness.java_programs import GroupTool
from harness.members import LIBRARIES, PATIENCE_S, Library, Member, member_class, share

TOPIC = "story"
GROUP = "readers"
PARTITIONS = 12
LINES = 240

# The member that will be killed has the short one: its death is noticed by nothing else. Whatever
# happens well within the long one was not brought about by a session that timed out.
SHORT_SESSION_MS = 8_000
LONG_SESSION_MS = 45_000
WITHIN_LONG_SESSION_S = 30.0


class Story:
    """One broker, one group of one client: what was produced, and all who ever took part."""

    def __init__(self, library: Library, directory: Path, tool: GroupTool) -> None:
        self.client = library
        self.tool = tool
        # Long enough for every member to know the topic's partitions before the leader assigns. A
        # leader that learns of them later joins again, and kafka-python can lose that join when its
        # poll times out between its assignment and the SyncGroup answer (against Kafka as well).
        settings = {"group.initial.rebalance.delay.ms": "1000"}
        self.broker = RunningBroker(directory, settings)
        self.lines: list[str] = []
        self.started: list[Member] = []

    def close(self) -> None:
        for member in self.started:
            member.die()
        self.broker.kill()

    def tell(self) -> None:
        with self.broker.connect() as wire:
            wire.create_topic(TOPIC, PARTITIONS)
        last = self.dynamic_members_join_leave_and_die()
        last.leave()
        if self.client.static:
            members = self.static_members_are_restarted_one_by_one()
        else:
            members = [self.start(client_id) for client_id in ("one", "two", "three")]
            share(members, PARTITIONS, (4, 4, 4))
            self.read_and_commit(members)
        self.the_broker_is_killed_and_restarted(members)
        self.nothing_of_a_living_group_is_changed()
        self.everybody_stops(members)
        self.the_tool_resets_and_deletes()

    # -- the acts ---------------------------------------------------------------------------------

    def dynamic_members_join_leave_and_die(self) -> Member:
        stays, dies, leaves = members = [
            self.start("stays"),
            self.start("dies", SHORT_SESSION_MS),
            self.start("leaves"),
        ]
        share(members, PARTITIONS, (4, 4, 4))
        self.read_and_commit(members)
        self.the_tool_shows(members)

        leaves.leave()
        share([stays, dies], PARTITIONS, (6, 6), WITHIN_LONG_SESSION_S)
        self.read_and_commit([stays, dies])

        dies.die()
        waited_s = share([stays], PARTITIONS, (12,))
        assert waited_s > 1, "a member was given up while its session lasted"
        self.read_and_commit([stays])
        self.the_tool_shows([stays])
        return stays

    def static_members_are_restarted_one_by_one(self) -> list[Member]:
        """One of them is the leader, whose return is the harder case."""
        members = [self.start(name, instance=name) for name in ("one", "two", "three")]
        share(members, PARTITIONS, (4, 4, 4))
        self.read_and_commit(members)
        self.the_tool_shows(members)
        before = self.generation()
        for position, restarts in enumerate(members):
            others = [member for member in members if member is not restarts]
            told = [member.changes_count for member in others]
            owned = restarts.owned
            if position == 0:
                restarts.die()
            else:
                restarts.leave()
            back = self.start(restarts.client_id, instance=restarts.instance)
            members[position] = back
            share(members, PARTITIONS, (4, 4, 4), WITHIN_LONG_SESSION_S)
            assert back.owned == owned
            assert [member.changes_count for member in others] == told
            assert self.generation() == before
        self.read_and_commit(members)
        return members

    def the_broker_is_killed_and_restarted(self, members: list[Member]) -> None:
        before, ids = self.committed(), self.member_ids()
        self.broker.kill()
        self.broker.start()
        assert self.committed() == before
        self.produce()
        ends = self.ends()
        # A member that begins anew may leave its old self behind until its session ends.
        deadline = time.monotonic() + LONG_SESSION_MS / 1000 + PATIENCE_S
        while self.committed() != ends:
            assert time.monotonic() < deadline, [member.story() for member in members]
            for member in members:
                member.commit()
            time.sleep(0.05)
        for value, times in Counter(self.read()).items():
            assert times == 1 or value in self.lines[-LINES:], f"{value} was read {times} times"
        assert set(self.read()) == set(self.lines)
        share(members, PARTITIONS, (4, 4, 4))
        assert self.member_ids() == ids or not self.client.keeps_member_id
        self.the_tool_shows(members)

    def nothing_of_a_living_group_is_changed(self) -> None:
        before = self.committed()
        refused = self.ask("--delete", "--group", GROUP)
        assert "GroupNotEmptyException" in refused
        refused = self.reset_to_earliest()
        assert "can only be reset if the group" in refused, refused
        refused = self.ask("--delete-offsets", "--group", GROUP, "--topic", TOPIC)
        assert "GroupSubscribedToTopicException" in refused or "subscribed" in refused, refused
        assert self.committed() == before

    def everybody_stops(self, members: list[Member]) -> None:
        for member in members:
            member.leave()
        if self.client.static:
            assert len(self.describe().members) == 3, "a static member stays until its session ends"
            self.tool.remove(self.broker.bootstrap, GROUP, "one", "two", "three")
        assert self.describe().state == "Empty"
        state = self.ask("--describe", "--group", GROUP, "--state")
        assert state.split()[-2:] == ["Empty", "0"], state
        self.produce()
        self.the_tool_shows_offsets()

    def the_tool_resets_and_deletes(self) -> None:
        self.reset_to_earliest()
        assert set(self.committed().values()) == {0}
        self.the_tool_shows_offsets()
        reader = self.start("reader")
        reader.wait_until(lambda: len(reader.read) >= len(self.lines))
        assert sorted(record.value for record in reader.read) == sorted(self.lines)
        reader.leave()

        deleted = self.ask("--delete-offsets", "--group", GROUP, "--topic", f"{TOPIC}:3")
        assert "Successful" in deleted, deleted
        assert [p for p, offset in self.committed().items() if offset < 0] == [3]
        assert GROUP in self.ask("--list").split()
        deleted = self.ask("--delete", "--group", GROUP)
        assert "was successful" in deleted, deleted
        assert GROUP not in self.ask("--list").split()
        assert set(self.committed().values()) == {-1}

    # -- what the acts are made of ----------------------------------------------------------------

    def start(
        self, client_id: str, session_ms: int = LONG_SESSION_MS, instance: str | None = None
    ) -> Member:
        member = member_class(self.client)(
            self.client, self.broker.bootstrap, GROUP, TOPIC, client_id, session_ms, instance
        )
        self.started.append(member)
        return member

    def produce(self) -> None:
        new = [f"line-{len(self.lines) + number}" for number in range(LINES)]
        self.lines += new
        records = [Keyed(line.encode(), line.encode()) for line in new]
        ConfluentKafka().produce(self.broker.bootstrap, TOPIC, records)

    def read_and_commit(self, members: list[Member]) -> None:
        """All that is new comes to those who are there; nobody ever read anything twice."""
        self.produce()

        members[0].wait_until(lambda: len(self.read()) >= len(self.lines))
        assert Counter(self.read()) == Counter(self.lines)
        for member in members:
            self.assert_in_order(member)
            assert member.commit(), member.story()
        ends = self.ends()
        members[0].wait_until(lambda: self.committed() == ends)

    def read(self) -> list[str]:
        """What was read by all who ever took part."""
        everything = itertools.chain.from_iterable(member.read for member in self.started)
        return [record.value for record in everything]

    @staticmethod
    def assert_in_order(member: Member) -> None:
        by_partition: dict[int, list[int]] = {}
        for record in member.read:
            by_partition.setdefault(record.partition, []).append(record.offset)
        for offsets in by_partition.values():
            assert offsets == sorted(offsets)

    # -- what the broker and the tool say ---------------------------------------------------------

    def describe(self) -> members_truth.Group:
        with self.broker.connect() as wire:
            return members_truth.describe(wire, GROUP)

    def member_ids(self) -> set[str]:
        return {member.member_id for member in self.describe().members}

    def generation(self) -> int:
        with self.broker.connect() as wire:
            return members_truth.generation(wire, GROUP)

    def committed(self) -> dict[int, int]:
        with self.broker.connect() as wire:
            return members_truth.committed(wire, GROUP, TOPIC, PARTITIONS)

    def ends(self) -> dict[int, int]:
        with self.broker.connect() as wire:
            return {each: wire.end_offset(TOPIC, each) for each in range(PARTITIONS)}

    def ask(self, *arguments: str) -> str:
        return self.tool.ask(self.broker.bootstrap, *arguments)

    def reset_to_earliest(self) -> str:
        arguments = ["--group", GROUP, "--topic", TOPIC, "--to-earliest", "--execute"]
        return self.ask("--reset-offsets", *arguments)

    def the_tool_shows(self, members: list[Member]) -> None:
        """Everybody with what he has, and the state of the group as a whole."""
        group = self.describe()
        ids = {member.client_id: member.member_id for member in group.members}
        expected = {member.client_id: member.owned or frozenset() for member in members}
        assert ids.keys() == expected.keys()

        for row in self.the_tool_shows_offsets():
            assert row["CONSUMER-ID"] == ids[row["CLIENT-ID"]]
            assert row["HOST"] == "/127.0.0.1"
            assert int(row["PARTITION"]) in expected[row["CLIENT-ID"]]

        found = members_truth.rows(self.ask("--describe", "--group", GROUP, "--members"))
        shown = {row["CLIENT-ID"]: (row["CONSUMER-ID"], row["#PARTITIONS"]) for row in found}
        assert shown == {name: (ids[name], str(len(has))) for name, has in expected.items()}
        instances = {row.get("GROUP-INSTANCE-ID") for row in found}
        assert instances == {member.instance for member in members}

        (state,) = members_truth.rows(self.ask("--describe", "--group", GROUP, "--state"))
        assert state["COORDINATOR"] == self.broker.bootstrap
        assert state["ASSIGNMENT-STRATEGY"] == self.client.assignor
        assert (state["STATE"], state["#MEMBERS"]) == ("Stable", str(len(members)))

    def the_tool_shows_offsets(self) -> list[dict[str, str]]:
        found = members_truth.rows(self.ask("--describe", "--group", GROUP))
        committed, ends = self.committed(), self.ends()
        shown = {
            int(row["PARTITION"]): (row["CURRENT-OFFSET"], row["LOG-END-OFFSET"], row["LAG"])
            for row in found
        }
        assert shown == {
            each: (str(committed[each]), str(ends[each]), str(ends[each] - committed[each]))
            for each in range(PARTITIONS)
        }
        return found


@pytest.fixture(scope="module")
def stories(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Library, Future[None]]]:
    """The stories of all clients that were asked for, being told."""
    wanted: list[Library] = [
        item.callspec.params["library"]  # type: ignore[misc]  # pytest calls it an object
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]

    def tell(library: Library) -> None:
        directory = tmp_path_factory.mktemp(library.name)
        with closing(Story(library, directory, tool)) as story, story.broker:
            story.tell()
            story.broker.assert_alive()

    at_once = 4 if target() is Software.MINIKAFKA else 2
    with GroupTool() as tool, ThreadPoolExecutor(at_once) as executor:
        yield {library: executor.submit(tell, library) for library in wanted}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_the_story(library: Library, stories: dict[Library, Future[None]]) -> None:
    stories[library].result()
