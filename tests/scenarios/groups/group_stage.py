"""A stage for one classic group: clients by name, an imagined clock, everything written down.

    > group [key=value …]           an empty shard; keys are settings, dots as underscores
    > join NAME [options]           JoinGroup. Without `again` a client that has a member id uses
                                    it; `fresh` forgets it, as a restarted process has
        protocols=range,roundrobin  in order of preference (range)
        topics=t1,t2  owned=t1-0    what the metadata says
        instance=I  session=10000  rebalance=30000  version=9
    > sync NAME [MEMBER=TEXT …]     SyncGroup; the leader gives each member an assignment
    > heartbeat NAME | leave NAME [instance=I]
    > commit NAME TOPIC-P OFFSET    OffsetCommit of a member; NAME `-` is a simple consumer
    > fetch                         all committed offsets
    > wait MS                       time passes, deadline by deadline
    > age DAYS                      offsets grow older
    > reload                        the coordinator moves: all that is left is in the log

Member ids are shown as client names; the second id of a client is `name#2`. After each command come
the answers (NAME: …), the records written, and the state of the group.
"""

from __future__ import annotations

from random import Random
from typing import Any

from minikafka.coordinators.decision import Decision, Moment, Record
from minikafka.coordinators.group.coordinator import GroupCoordinator
from minikafka.coordinators.group.member import Client
from minikafka.protocol.codec import encode
from minikafka.protocol.coordinator_records import GROUP, encode_key, encode_value
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.consumer_protocol_subscription import (
    ConsumerProtocolSubscription,
    TopicPartition,
)
from minikafka.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from minikafka.protocol.messages.join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from minikafka.protocol.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
)
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from minikafka.protocol.messages.offset_fetch import OffsetFetchRequestGroup
from minikafka.protocol.messages.sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from minikafka.protocol.records.group.group_metadata_value import GroupMetadataValue
from minikafka.protocol.records.group.offset_commit_key import OffsetCommitKey
from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue
from minikafka.settings.broker import BrokerSettings

GROUP_ID = "g"
WALL_MS = 1_700_000_000_000
DAY_MS = 86_400_000


class Consumer:
    """What a client remembers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.member_id = ""
        self.generation = -1
        self.instance_id: str | None = None


class Call:
    """One request that waits for its answer."""

    def __init__(self, stage: Stage, consumer: Consumer) -> None:
        self.stage = stage
        self.consumer = consumer

    def answer(self, response: Any) -> None:
        self.stage.answered(self.consumer, response)

    def fail(self, error: KafkaError) -> None:
        self.stage.lines.append(f"{self.consumer.name}: {error.code.name}")


class Stage:
    """The machine, the records it has written, its clients and the lines it makes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def play(self, command: str) -> list[str]:
        self.lines = []
        name, *words = command.split()
        options = dict(word.partition("=")[::2] for word in words if "=" in word)
        plain = [word for word in words if "=" not in word]
        getattr(self, f"_{name}")(plain, options)
        group = self.machine.state.groups.get(GROUP_ID)
        if group is None:
            return [*self.lines, "= no group"]
        state = f"= {group.state.value} generation {group.generation}"
        if group.members:
            state += f" {group.protocol or 'without protocol'} leader {self.alias(group.leader)}"
            state += f" members {' '.join(map(self.alias, group.members))}"
        return [*self.lines, state]

    # -- what happens -----------------------------------------------------------------------------

    def _group(self, plain: list[str], options: dict[str, str]) -> None:
        values = {
            "node.id": "1",
            "process.roles": "broker,controller",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": "1@127.0.0.1:9093",
            "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
        }
        values |= {key.replace("_", "."): value for key, value in options.items()}
        self.settings = BrokerSettings.parse(values)
        self.random = Random(1)
        self.machine = GroupCoordinator(self.settings, self.random)
        self.now_ms = 0
        self.aged_ms = 0
        self.log: list[tuple[bytes, bytes | None, int]] = []
        self.consumers: dict[str, Consumer] = {}
        self.aliases: dict[str, str] = {}
        self.incarnations: dict[str, int] = {}

    def _reload(self, plain: list[str], options: dict[str, str]) -> None:
        for waiter in self.machine.waiters():
            waiter.fail(KafkaError(ErrorCode.NOT_COORDINATOR))
        self.machine = GroupCoordinator(self.settings, self.random)
        for key, value, wall_ms in self.log:
            self.machine.replay(decoded(key, value), wall_ms)
        self.machine.activate(self.moment())

    def _join(self, plain: list[str], options: dict[str, str]) -> None:
        consumer = self.consumer(plain[0])
        if "fresh" in plain:
            consumer.member_id = ""
        consumer.instance_id = options.get("instance")
        subscription = encode_subscription(options)
        request = JoinGroupRequest(
            group_id=GROUP_ID,
            member_id=consumer.member_id,
            group_instance_id=consumer.instance_id,
            session_timeout_ms=int(options.get("session", 10_000)),
            rebalance_timeout_ms=int(options.get("rebalance", 30_000)),
            protocol_type="consumer",
            protocols=[
                JoinGroupRequestProtocol(name=name, metadata=subscription)
                for name in options.get("protocols", "range").split(",")
            ],
        )
        client = Client(consumer.name, "/127.0.0.1", int(options.get("version", 9)))
        call = Call(self, consumer)
        self.decide(
            call, lambda decision, now: self.machine.join(request, client, call, decision, now)
        )

    def _sync(self, plain: list[str], options: dict[str, str]) -> None:
        consumer = self.consumer(plain[0])
        ids = {alias: member_id for member_id, alias in self.aliases.items()}
        request = SyncGroupRequest(
            group_id=GROUP_ID,
            generation_id=consumer.generation,
            member_id=consumer.member_id,
            group_instance_id=consumer.instance_id,
            assignments=[
                SyncGroupRequestAssignment(member_id=ids[alias], assignment=text.encode())
                for alias, text in options.items()
            ],
        )
        call = Call(self, consumer)
        self.decide(call, lambda decision, now: self.machine.sync(request, 4, call, decision, now))

    def _heartbeat(self, plain: list[str], options: dict[str, str]) -> None:
        consumer = self.consumer(plain[0])
        request = HeartbeatRequest(
            group_id=GROUP_ID,
            generation_id=consumer.generation,
            member_id=options.get("id", consumer.member_id),
            group_instance_id=consumer.instance_id,
        )
        call = Call(self, consumer)
        self.decide(
            call, lambda decision, now: self.machine.heartbeat(request, call, decision, now)
        )

    def _leave(self, plain: list[str], options: dict[str, str]) -> None:
        consumer = self.consumer(plain[0])
        identity = MemberIdentity(member_id=consumer.member_id)
        if "instance" in options:
            identity = MemberIdentity(group_instance_id=options["instance"])
        request = LeaveGroupRequest(group_id=GROUP_ID, members=[identity])
        call = Call(self, consumer)
        self.decide(call, lambda decision, now: self.machine.leave(request, 5, call, decision, now))

    def _commit(self, plain: list[str], options: dict[str, str]) -> None:
        consumer = self.consumer(plain[0])
        topic, _, partition = plain[1].rpartition("-")
        request = OffsetCommitRequest(
            group_id=GROUP_ID,
            generation_id_or_member_epoch=consumer.generation,
            member_id=consumer.member_id,
            group_instance_id=consumer.instance_id,
            topics=[
                OffsetCommitRequestTopic(
                    name=topic,
                    partitions=[
                        OffsetCommitRequestPartition(
                            partition_index=int(partition), committed_offset=int(plain[2])
                        )
                    ],
                )
            ],
        )
        call = Call(self, consumer)
        self.decide(
            call, lambda decision, now: self.machine.commit(request, 9, call, decision, now)
        )

    def _fetch(self, plain: list[str], options: dict[str, str]) -> None:
        wanted = OffsetFetchRequestGroup(group_id=GROUP_ID, topics=None)
        found = self.machine.fetch_offsets(wanted, require_stable=True)
        told = [
            f"{topic.name}-{partition.partition_index} {partition.committed_offset}"
            for topic in found.topics
            for partition in topic.partitions
        ]
        self.lines.append(f"committed: {', '.join(told) or 'nothing'}")

    def _wait(self, plain: list[str], options: dict[str, str]) -> None:
        end_ms = self.now_ms + int(plain[0])
        while (due_ms := self.machine.next_look_ms()) is not None and due_ms <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.decide(None, self.machine.time_passed)
        self.now_ms = end_ms

    def _age(self, plain: list[str], options: dict[str, str]) -> None:
        self.aged_ms += int(float(plain[0]) * DAY_MS)
        self.decide(None, self.machine.age)

    # -- deciding, as a host does -----------------------------------------------------------------

    def moment(self) -> Moment:
        return Moment(self.now_ms, WALL_MS + self.now_ms + self.aged_ms)

    def consumer(self, name: str) -> Consumer:
        return self.consumers.setdefault(name, Consumer(name))

    def decide(self, call: Call | None, command: Any) -> None:
        decision, now = Decision(), self.moment()
        try:
            command(decision, now)
        except KafkaError as error:
            assert call is not None
            decision.answer(call, error)
        for record in decision.records:
            key = encode_key(record.key)
            value = None if record.value is None else encode_value(record.value, record.version)
            self.log.append((key, value, now.wall_ms))
            self.machine.replay(decoded(key, value), now.wall_ms)
        answers: list[tuple[Any, Any]] = decision.answers
        for waiter, response in answers:
            if isinstance(response, KafkaError):
                waiter.fail(response)
            else:
                waiter.answer(response)
        self.lines += [self.shown(record) for record in decision.records]

    # -- what is shown ----------------------------------------------------------------------------

    def alias(self, member_id: str | None) -> str:
        if not member_id:
            return "nobody"
        if member_id not in self.aliases:
            name = member_id[:-37]
            count = self.incarnations[name] = self.incarnations.get(name, 0) + 1
            self.aliases[member_id] = name if count == 1 else f"{name}#{count}"
        return self.aliases[member_id]

    def answered(self, consumer: Consumer, response: Any) -> None:
        told = ""
        if isinstance(response, JoinGroupResponse):
            consumer.member_id = response.member_id or consumer.member_id
            told = self.shown_join(consumer, response)
        elif isinstance(response, SyncGroupResponse):
            told = f"assigned {response.assignment.decode() or 'nothing'}"
        elif isinstance(response, HeartbeatResponse):
            told = ErrorCode(response.error_code).name if response.error_code else "alive"
        elif isinstance(response, LeaveGroupResponse):
            (member,) = response.members
            told = ErrorCode(member.error_code).name if member.error_code else "left"
        else:
            assert isinstance(response, OffsetCommitResponse)
            code = response.topics[0].partitions[0].error_code
            told = ErrorCode(code).name if code else "committed"
        self.lines.append(f"{consumer.name}: {told}")

    def shown_join(self, consumer: Consumer, response: JoinGroupResponse) -> str:
        if response.error_code:
            told = ErrorCode(response.error_code).name
            return f"{told} {self.alias(response.member_id)}" if response.member_id else told
        consumer.generation = response.generation_id
        told = f"joined generation {response.generation_id} as {self.alias(response.member_id)}"
        if not response.members:
            return f"{told}, {self.alias(response.leader)} leads"
        roster = " ".join(self.alias(member.member_id) for member in response.members)
        told += f" with {response.protocol_name}, leads {roster}"
        return told + (", skips assignment" if response.skip_assignment else "")

    def shown(self, record: Record) -> str:
        key, value = record.key, record.value
        if isinstance(key, OffsetCommitKey):
            what = f"wrote offset {key.topic}-{key.partition}:"
            if value is None:
                return f"{what} gone"
            assert isinstance(value, OffsetCommitValue)
            return f"{what} {value.offset}"
        if value is None:
            return "wrote group: gone"
        assert isinstance(value, GroupMetadataValue)
        members = " ".join(
            f"{self.alias(member.member_id)}={member.assignment.decode() or 'nothing'}"
            for member in value.members
        )
        return f"wrote group: generation {value.generation}, {members or 'nobody'}"


def decoded(key: bytes, value: bytes | None) -> Record:
    """A record as it comes back from the log."""
    about = GROUP.decode_key(key)
    if value is None:
        return Record(about, None)
    content, version = GROUP.decode_value(about.api_key, value)
    return Record(about, content, version)


def encode_subscription(options: dict[str, str]) -> bytes:
    owned: dict[str, list[int]] = {}
    for word in filter(None, options.get("owned", "").split(",")):
        topic, _, partition = word.rpartition("-")
        owned.setdefault(topic, []).append(int(partition))
    subscription = ConsumerProtocolSubscription(
        topics=options.get("topics", "t").split(","),
        owned_partitions=[
            TopicPartition(topic=topic, partitions=indexes) for topic, indexes in owned.items()
        ],
    )
    return b"\0\1" + encode(subscription, 1)
