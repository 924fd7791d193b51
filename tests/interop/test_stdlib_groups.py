"""Every line of the standard library through consumer groups: four clients, a group of two each.

While the lines are being produced, one member of each group leaves and another comes, the broker is
killed and started again, and one member is killed. `harness.journal` says what must hold then.
"""

from __future__ import annotations

import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient
from harness import apache, corpus
from harness.broker import RunningBroker
from harness.clients import ConfluentKafka, Keyed
from harness.journal import (
    Span,
    TilingError,
    as_text,
    checksum,
    read_journal,
    read_verifiable,
    spans,
    tiles,
)
from harness.kcat import Feeder

TOPIC = "stdlib"
PARTITIONS = 6
PATIENCE_S = 180
JAVA = "kafka-verifiable-consumer"
UTF_8 = ("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8")
CLIENTS = ("confluent-kafka", "aiokafka", "kafka-python", JAVA)


class Member:
    """A process that reads as a member of the group named like its client, and its journal."""

    def __init__(self, broker: RunningBroker, client: str, name: str, topic: str = TOPIC) -> None:
        self.client = client
        self.name = name
        self.topic = topic
        self.journal = broker.directory / f"{topic}-{client}-{name}.journal"
        self.journal.touch()
        self.said = broker.directory / f"{topic}-{client}-{name}.log"
        with self.journal.open("ab") as journal, self.said.open("wb") as said:
            self.process = subprocess.Popen(
                self._command(broker.bootstrap),
                stdin=subprocess.DEVNULL,
                stdout=journal if client == JAVA else said,
                stderr=said,
                cwd=Path(__file__).parents[1],
            )

    def _command(self, bootstrap: str) -> list[str]:
        if self.client != JAVA:
            command = [sys.executable, "-m", "harness.journal_member", self.client]
            return [*command, bootstrap, self.client, self.topic, str(self.journal)]
        command = [
            "--bootstrap-server",
            bootstrap,
            "--topic",
            self.topic,
            "--group-id",
            self.client,
        ]
        command += ["--session-timeout", "6000", "--reset-policy", "earliest", "--verbose"]
        return apache.command(apache.TOOLS[JAVA], command, (*apache.TOOL_FLAGS, *UTF_8))

    def is_assigned(self) -> bool:
        return self._has_noted(b'"partitions_assigned"' if self.client == JAVA else b"a\n")

    def has_committed(self) -> bool:
        return self._has_noted(b'"offsets_committed"' if self.client == JAVA else b"\nc ")

    def _has_noted(self, what: bytes) -> bool:
        assert self.process.poll() is None, self.said.read_text(errors="replace")[-3000:]
        return what in self.journal.read_bytes()

    def leave(self) -> None:
        self.process.terminate()

    def die(self) -> None:
        self.process.kill()
        self.process.wait()

    def spans(self) -> list[Span]:
        """What is in the journal, which goes: some are large."""
        read = read_verifiable if self.client == JAVA else read_journal
        found = spans(self.name, read(self.journal))
        self.journal.unlink()
        return found


class Groups:
    """The members of all groups, and what the broker says they have committed."""

    def __init__(self, broker: RunningBroker) -> None:
        self.broker = broker
        self.members: dict[str, list[Member]] = {client: [] for client in CLIENTS}
        self.spans: dict[str, list[Span]] = {}

    def start(self, name: str) -> list[Member]:
        """One more member in each group."""
        for client, members in self.members.items():
            members.append(Member(self.broker, client, name))
        return [members[-1] for members in self.members.values()]

    def all_committed(self, count: int) -> bool:
        return all(
            sum(committed(self.broker, client, TOPIC, PARTITIONS)) >= count for client in CLIENTS
        )

    def read_journals(self) -> None:
        for client, members in self.members.items():
            self.spans[client] = [span for member in members for span in member.spans()]

    def end(self) -> None:
        for members in self.members.values():
            for member in members:
                member.die()


def committed(broker: RunningBroker, group: str, topic: str, partitions: int) -> list[int]:
    """The committed offset of each partition, 0 where there is none; asked without joining."""
    asking = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    try:
        wanted = [confluent_kafka.TopicPartition(topic, index) for index in range(partitions)]
        return [max(each.offset, 0) for each in asking.committed(wanted, timeout=60)]
    finally:
        asking.close()


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)


def wait_for_all(members: Sequence[Member], true: Callable[[Member], bool]) -> None:
    wait_until(lambda: all(map(true, members)), true.__name__)


@pytest.fixture(scope="module")
def lines() -> list[Keyed]:
    return corpus.lines()


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory, lines: list[Keyed]) -> Iterator[Groups]:
    """What happens; afterwards everybody is gone and every group has committed the whole log."""
    quarter = len(lines) // 4
    # Members that start together begin together, whatever their clients know of the topic by then.
    settings = {"group.initial.rebalance.delay.ms": "1000"}
    with RunningBroker(tmp_path_factory.mktemp("groups"), settings) as broker:
        with broker.connect() as wire:
            wire.create_topic(TOPIC, PARTITIONS)
        groups = Groups(broker)
        feeder = Feeder(broker.bootstrap, TOPIC, broker.directory / "kcat.log")
        try:
            leaving, dying = groups.start("leaves"), groups.start("dies")
            wait_for_all(leaving + dying, Member.is_assigned)
            feeder.feed(lines[:quarter])
            wait_for_all(leaving + dying, Member.has_committed)
            feeder.feed(lines[quarter : 2 * quarter])
            for member in leaving:
                member.leave()
            staying = groups.start("stays")
            wait_until(lambda: groups.all_committed(quarter // 2), "an eighth is read")
            broker.kill()
            feeder.feed(lines[2 * quarter : 3 * quarter])
            broker.start()
            wait_for_all(staying, Member.is_assigned)
            feeder.feed(lines[3 * quarter :])
            for member in dying:
                member.die()
            feeder.finish()
            wait_until(lambda: groups.all_committed(len(lines)), "all is committed")
            for member in staying:
                member.leave()
            for member in leaving + staying:
                assert member.process.wait(60) in (0, 143), member.said.read_text()[-3000:]
            groups.read_journals()
            yield groups
        finally:
            feeder.close()
            groups.end()


def expected(lines: Sequence[Keyed], client: str) -> list[array[int]]:
    """The checksums of each partition: kcat sends in order, by the CRC-32 of keys."""
    partitions = [array("I") for _ in range(PARTITIONS)]
    for key, value in lines:
        assert key is not None
        assert value is not None
        content = as_text(value.decode(errors="replace")) if client == JAVA else value
        partitions[crc32(key) % PARTITIONS].append(checksum(key, content))
    return partitions


@pytest.mark.parametrize("client", CLIENTS)
def test_every_line_is_read_once_per_committed_position(
    groups: Groups, client: str, lines: list[Keyed]
) -> None:
    ends = committed(groups.broker, client, TOPIC, PARTITIONS)
    for index, whole in enumerate(expected(lines, client)):
        found = [span for span in groups.spans[client] if span.partition == index]
        read = tiles(found, ends[index])
        assert len(read) == len(whole)
        wrong = [offset for offset in range(len(whole)) if read[offset] != whole[offset]]
        assert wrong == [], f"{len(wrong)} lines of partition {index} differ"
        # What was delivered again is the same as well.
        assert all(span.checksums == whole[span.start : span.end] for span in found)


@pytest.mark.parametrize("client", CLIENTS)
def test_each_member_did_a_part_and_none_all(
    groups: Groups, client: str, lines: list[Keyed]
) -> None:
    """Otherwise leaving and dying would prove nothing."""
    done = dict.fromkeys(("leaves", "dies", "stays"), 0)
    for span in groups.spans[client]:
        done[span.member] += span.committed - span.start
    assert all(0 < count < len(lines) for count in done.values()), done


@pytest.mark.parametrize(("shift", "fault"), [(0, None), (-100, "begun"), (100, "by nobody")])
def test_a_commit_that_is_lost_or_made_up_is_found(
    broker: RunningBroker, shift: int, fault: str | None
) -> None:
    """The check can fail: behind the members' backs the committed offset is moved."""
    group, topic, half = "confluent-kafka", f"planted{shift}", 2000
    records = [Keyed(b"key", b"%d" % n) for n in range(2 * half)]
    with broker.connect() as wire:
        wire.create_topic(topic, 1)
    members = []

    def read_up_to(name: str, offset: int) -> None:
        member = Member(broker, group, name, topic)
        members.append(member)
        wait_until(lambda: committed(broker, group, topic, 1) == [offset], "it has read all")
        member.leave()
        assert member.process.wait(60) == 0

    ConfluentKafka().produce(broker.bootstrap, topic, records[:half])
    try:
        read_up_to("first", half)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        moved = confluent_kafka.TopicPartition(topic, 0, half + shift)
        wanted = confluent_kafka.ConsumerGroupTopicPartitions(group, [moved])
        admin.alter_consumer_group_offsets([wanted])[group].result(60)
        ConfluentKafka().produce(broker.bootstrap, topic, records[half:])
        read_up_to("second", 2 * half)
        found = [span for member in members for span in member.spans()]
        if fault is None:
            assert list(tiles(found, 2 * half)) == [
                checksum(b"key", b"%d" % n) for n in range(2 * half)
            ]
        else:
            with pytest.raises(TilingError, match=fault):
                tiles(found, 2 * half)
    finally:
        for member in members:
            member.die()
