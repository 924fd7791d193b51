"""A quorum of pure raft machines on virtual time: delays, cut links, crashes, power loss, checks.

Everything follows from one seed. The checks run when something happens, not at the end: one leader
per epoch, what is committed anywhere is the same everywhere and stays, high watermarks never exceed
what a majority has on disk.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from random import Random
from uuid import UUID

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.add_raft_voter import (
    AddRaftVoterRequest,
    AddRaftVoterResponse,
    Listener,
)
from minikafka.protocol.messages.fetch import FetchResponse
from minikafka.protocol.messages.remove_raft_voter import (
    RemoveRaftVoterRequest,
    RemoveRaftVoterResponse,
)
from minikafka.protocol.types import Message
from minikafka.raft.effects import (
    Committed,
    ControlBatch,
    DataBatch,
    Deposed,
    Effects,
    Elected,
    Persist,
    ProbeVoter,
    RecordsReply,
    Request,
)
from minikafka.raft.events import (
    Answered,
    AppendRequested,
    Event,
    Flushed,
    KRaftVersionRaised,
    Requested,
    ResignRequested,
    Started,
    TimerFired,
    Unanswered,
    VoterProbed,
)
from minikafka.raft.following import voter_changes
from minikafka.raft.node import RaftNode
from minikafka.raft.quorum_state import QuorumState
from minikafka.raft.snapshots import control_batch
from minikafka.raft.states import Follower
from minikafka.raft.voters import KRAFT_VERSIONS, Voter, VoterHistory, VoterSet
from minikafka.records.batch import assign_offsets, read_header, walk
from minikafka.records.builder import build_batch

REQUEST_TIMEOUT_MS = 2000
ROUNDS = 25


class Violation(AssertionError):
    """The quorum has broken a promise."""


class MemoryLog:
    """Batches in memory, and how many of them are on disk."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int, int, bytes]] = []  # base, next, epoch, bytes
        self.durable_end = 0

    log_start_offset = 0
    latest_snapshot = None

    @property
    def log_end_offset(self) -> int:
        return self.batches[-1][1] if self.batches else 0

    @property
    def last_epoch(self) -> int:
        return self.batches[-1][2] if self.batches else 0

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        best = (-1, 0)
        for _, end, batch_epoch, _ in self.batches:
            if batch_epoch <= epoch:
                best = (batch_epoch, end)
        return best

    def append(self, data: bytes) -> None:
        for position, header in walk(data):
            assert header.base_offset == self.log_end_offset
            batch = data[position : position + header.size_bytes]
            epoch = header.partition_leader_epoch
            self.batches.append((header.base_offset, header.next_offset, epoch, batch))

    def truncate(self, end_offset: int) -> None:
        while self.batches and self.batches[-1][1] > end_offset:
            self.batches.pop()
        assert self.log_end_offset == end_offset, "cut within a batch"
        self.durable_end = min(self.durable_end, end_offset)

    def read(self, offset: int, max_bytes: int) -> bytes:
        found = b""
        for _, end, _, batch in self.batches:
            if end > offset and (not found or len(found) + len(batch) <= max_bytes):
                found += batch
            elif found:
                break
        return found


class Member:
    """One node: its disk outlives its process."""

    def __init__(self, cluster: RaftCluster, node_id: int) -> None:
        self.cluster = cluster
        self.node_id = node_id
        self.port = 9000 + node_id
        self.directory_id = _directory(node_id)
        self.log = MemoryLog()
        self.quorum_state = QuorumState()
        self.generation = 0
        self.alive = False
        self.flushing = False
        self.cut = False
        self.node: RaftNode
        self.timer_ms: int | None = None
        self.high_watermark = -1
        self.connections: list[tuple[Member, Callable[[], None]]] = []

    def start(self) -> None:
        cluster = self.cluster
        self.generation += 1
        self.alive, self.flushing, self.high_watermark = True, False, -1
        self.node = RaftNode(
            node_id=self.node_id,
            directory_id=self.directory_id,
            history=self.history(),
            quorum_state=self.quorum_state,
            log=self.log,
            draw=Random(f"{cluster.seed}/{self.node_id}/{self.generation}").random,
            cluster_id="cluster",
            bootstrap_ids=[m.node_id for m in cluster.members if m is not self],
            own_endpoints=[("CONTROLLER", "h", self.port)],
            auto_join=cluster.auto_join,
        )
        self.step(Started())

    def history(self) -> VoterHistory:
        """The voters that it was given, and those that its log has held since."""
        cluster = self.cluster
        history = VoterHistory(cluster.voters, 1 if cluster.dynamic else 0)
        for _, _, _, batch in self.log.batches:
            if read_header(batch).is_control:
                for offset, voters, version in voter_changes(memoryview(batch)):
                    history.add(offset, voters, version)
        return history

    def crash(self, *, power: bool) -> None:
        self.alive = False
        self.generation += 1
        if power:
            keep = self.log.durable_end
            ends = [end for _, end, _, _ in self.log.batches if end > keep]
            if ends and self.cluster.random.random() < 0.5:
                keep = ends[int(self.cluster.random.random() * len(ends))]
            self.log.truncate(keep)
        self.log.durable_end = min(self.log.durable_end, self.log.log_end_offset)

    @property
    def leads(self) -> bool:
        """Whether it lives and believes that it leads."""
        return self.alive and self.node.is_leader

    def ask(self, request: AddRaftVoterRequest | RemoveRaftVoterRequest) -> None:
        """Ask this node to change who votes; what it says is noted."""

        def answered(response: Message) -> None:
            assert isinstance(response, (AddRaftVoterResponse, RemoveRaftVoterResponse))
            self.cluster.tell(f"{self.node_id} says {ErrorCode(response.error_code).name}")

        self.step(Requested(answered, request))

    def step(self, event: Event) -> None:
        before = self._standing()
        effects = self.node.step(event, self.cluster.now_ms)
        after = self._standing()
        if before != after:
            self.cluster.tell(f"{self.node_id} is {after}")
        self.carry_out(effects)

    def _standing(self) -> str:
        state = self.node.state
        follows = f" of {state.leader_id}" if isinstance(state, Follower) else ""
        return f"{type(state).__name__}{follows} in epoch {state.epoch}"

    def carry_out(self, effects: Effects) -> None:
        cluster = self.cluster
        if effects.persist is not None:
            self._persist(effects.persist)
        for send in effects.send:
            if isinstance(send, Request):
                cluster.request(self, send.node_id, send.message)
            elif isinstance(send, ProbeVoter):
                cluster.probe(self, send.voter_id)
            else:
                message = send.message
                if isinstance(send, RecordsReply):
                    assert isinstance(message, FetchResponse)
                    records = self.log.read(send.offset, send.max_bytes)
                    message.responses[0].partitions[0].records = records
                cluster.reply(self, send.token, message)
        for item in effects.apply:
            if isinstance(item, Elected):
                cluster.elected(self, item.epoch)
            elif isinstance(item, Committed):
                cluster.committed(self, item.high_watermark)
            else:
                assert isinstance(item, Deposed)
        self.timer_ms = effects.timer_at_ms
        if self.timer_ms is not None:
            cluster.at(max(self.timer_ms, cluster.now_ms + 1), self, self._timer)
        if self.node.needs_flush and not self.flushing:
            self._flush()

    def _persist(self, persist: Persist) -> None:
        if persist.quorum_state is not None:
            self.quorum_state = persist.quorum_state
        if persist.truncate_to is not None:
            self.cluster.tell(f"{self.node_id} cuts its log to {persist.truncate_to}")
            self.log.truncate(persist.truncate_to)
            self.cut = True
        for batch in persist.batches:
            if isinstance(batch, DataBatch):
                data = bytearray(batch.batch)
                assign_offsets(data, batch.base_offset, batch.epoch)
            elif isinstance(batch, ControlBatch):
                if self.log.last_epoch == batch.epoch:
                    self.cluster.voters_change(self, batch.epoch)
                encoded = control_batch(
                    batch.records, base_offset=batch.base_offset, epoch=batch.epoch, wall_ms=0
                )
                data = bytearray(encoded)
            else:
                data = bytearray(batch.data)
            self.log.append(bytes(data))
        if self.cluster.dynamic and self.node.voters != self.history().voters:
            raise Violation(f"node {self.node_id}: its voters are not those of its log")

    def _timer(self) -> None:
        if self.timer_ms is not None and self.timer_ms <= self.cluster.now_ms:
            self.timer_ms = None
            self.step(TimerFired())

    def _flush(self) -> None:
        self.flushing, self.cut = True, False
        epoch, end = self.node.epoch, self.log.log_end_offset

        def done() -> None:
            self.flushing = False
            if self.cut:
                self._flush()
                return
            self.log.durable_end = max(self.log.durable_end, end)
            self.step(Flushed(epoch, end))

        self.cluster.at(self.cluster.now_ms + self.cluster.draw(1, 12), self, done)


class RaftCluster:
    """Members, the network between them and the checks."""

    def __init__(
        self, seed: int, size: int = 3, *, voters: int | None = None, auto_join: bool = False
    ) -> None:
        """`size` nodes, all of them voters by configuration; or the first `voters`, by record.
        With `auto_join` the others add themselves.
        """
        self.auto_join = auto_join
        self.seed = seed
        self.random = Random(f"{seed}/network")
        self.now_ms = 0
        self.dynamic = voters is not None
        self.voters = VoterSet([Voter(node_id) for node_id in range(size)])
        if voters is not None:
            self.voters = VoterSet(
                Voter(i, _directory(i), [("CONTROLLER", "h", 9000 + i)], KRAFT_VERSIONS)
                for i in range(voters)
            )
        self.members = [Member(self, node_id) for node_id in range(size)]
        self.cut_links: set[tuple[int, int]] = set()
        self._queue: list[tuple[int, int, Member, int, Callable[[], None]]] = []
        self._numbers = count()
        self.leaders: dict[int, int] = {}
        self.when_elected: Callable[[Member], None] = lambda member: None
        self.committed_batches: dict[int, tuple[int, bytes]] = {}
        self.committed_end = 0
        self.elections = 0
        self.events: list[str] = []

    def draw(self, low: int, high: int) -> int:
        return low + int(self.random.random() * (high - low + 1))

    def at(self, when_ms: int, member: Member, action: Callable[[], None]) -> None:
        entry = (when_ms, next(self._numbers), member, member.generation, action)
        heapq.heappush(self._queue, entry)

    def run(self, until_ms: int) -> None:
        while self._queue and self._queue[0][0] <= until_ms:
            when_ms, _, member, generation, action = heapq.heappop(self._queue)
            self.now_ms = max(self.now_ms, when_ms)
            if member.alive and member.generation == generation:
                action()
        self.now_ms = until_ms

    # --- network

    def request(self, sender: Member, node_id: int, message: Message) -> None:
        target = self.members[node_id]
        generation = sender.generation
        answered = [False]

        def fail(*, refused: bool) -> None:
            if not answered[0]:
                answered[0] = True
                sender.step(Unanswered(node_id, message, refused=refused))

        if not target.alive:
            self.at(self.now_ms + self.draw(1, 3), sender, lambda: fail(refused=True))
            return
        self.at(self.now_ms + REQUEST_TIMEOUT_MS, sender, lambda: fail(refused=False))
        target.connections.append((sender, lambda: fail(refused=True)))
        if (sender.node_id, node_id) in self.cut_links:
            return

        def deliver() -> None:
            def answer(response: Message) -> None:
                if (node_id, sender.node_id) in self.cut_links:
                    return

                def take() -> None:
                    if not answered[0]:
                        answered[0] = True
                        sender.step(Answered(node_id, message, response))

                if sender.alive and sender.generation == generation:
                    self.at(self.now_ms + self.draw(1, 5), sender, take)

            target.step(Requested(answer, message))

        self.at(self.now_ms + self.draw(1, 5), target, deliver)

    def probe(self, sender: Member, node_id: int) -> None:
        """A look at what is to vote; it answers if it lives and can be reached."""
        target = self.members[node_id]
        is_cut = {(sender.node_id, node_id), (node_id, sender.node_id)} & self.cut_links
        versions = KRAFT_VERSIONS if target.alive and not is_cut else None

        def told() -> None:
            sender.step(VoterProbed(node_id, versions))

        self.at(self.now_ms + self.draw(2, 10), sender, told)

    def reply(self, member: Member, token: object, message: Message) -> None:
        assert callable(token)
        token(message)

    def crash(self, node_id: int, *, power: bool) -> None:
        """The process dies; peers notice by their broken connections."""
        member = self.members[node_id]
        member.crash(power=power)
        connections, member.connections = member.connections, []
        for sender, broken in connections:
            self.at(self.now_ms + self.draw(1, 3), sender, broken)

    def wipe(self, node_id: int) -> None:
        """Its disk is lost, and its process starts on an empty one."""
        member = self.members[node_id]
        self.crash(node_id, power=False)
        member.log, member.quorum_state = MemoryLog(), QuorumState()
        member.directory_id = UUID(int=member.directory_id.int + 1000)
        member.start()

    def isolate(self, node_ids: Iterable[int], *, one_way: bool = False) -> None:
        inside = set(node_ids)
        for a in range(len(self.members)):
            for b in range(len(self.members)):
                if a in inside and b not in inside:
                    self.cut_links.add((a, b))
                    if not one_way:
                        self.cut_links.add((b, a))

    def heal(self) -> None:
        self.cut_links.clear()

    # --- work and checks

    def append(self, payload: bytes) -> bool:
        leader = self.leader()
        if leader is None:
            return False
        leader.step(AppendRequested(build_batch([(0, None, payload, ())]), 1))
        return True

    def leader(self) -> Member | None:
        leading = [member for member in self.members if member.leads]
        return max(leading, key=lambda m: m.node.epoch, default=None)

    def add_request(self, node_id: int) -> AddRaftVoterRequest:
        return AddRaftVoterRequest(
            voter_id=node_id,
            voter_directory_id=_directory(node_id),
            listeners=[Listener(name="CONTROLLER", host="h", port=self.members[node_id].port)],
        )

    def remove_request(self, node_id: int) -> RemoveRaftVoterRequest:
        return RemoveRaftVoterRequest(voter_id=node_id, voter_directory_id=_directory(node_id))

    def change_voters(self, request: AddRaftVoterRequest | RemoveRaftVoterRequest) -> None:
        """Ask the leader, if there is one; what it says is noted."""
        leader = self.leader()
        if leader is not None:
            leader.ask(request)

    def raise_kraft_version(self) -> bool:
        """Make the voters records, if the leader knows enough of them."""
        leader = self.leader()
        if (
            leader is None
            or leader.node.kraft_version
            or not leader.node.can_raise_kraft_version(1)
        ):
            return False
        leader.step(KRaftVersionRaised(1))
        return True

    def resign(self) -> None:
        leader = self.leader()
        if leader is not None:
            leader.step(ResignRequested())

    def tell(self, what: str) -> None:
        """Note what has happened, for transcripts."""
        self.events.append(f"{self.now_ms:5} ms  {what}")

    def elected(self, member: Member, epoch: int) -> None:
        self.elections += 1
        before = self.leaders.setdefault(epoch, member.node_id)
        if before != member.node_id:
            raise Violation(f"nodes {before} and {member.node_id} both lead epoch {epoch}")
        self.when_elected(member)

    def voters_change(self, leader: Member, epoch: int) -> None:
        """A leader is about to write another set of voters. If the last one, or everything of its
        epoch, may still be cut, two leaders can build on one set what has no majority in common.
        """
        if leader.history().offset >= self.committed_end:
            raise Violation(f"node {leader.node_id}: the change of voters before is not committed")
        if all(known != epoch for known, _ in self.committed_batches.values()):
            raise Violation(f"node {leader.node_id}: nothing of epoch {epoch} is committed")

    def committed(self, member: Member, high_watermark: int) -> None:
        if high_watermark < member.high_watermark:
            raise Violation(f"node {member.node_id}: the high watermark went back")
        member.high_watermark = high_watermark
        for base, end, epoch, batch in member.log.batches:
            if end > high_watermark:
                break
            known = self.committed_batches.setdefault(base, (epoch, batch))
            if known != (epoch, batch):
                raise Violation(f"node {member.node_id}: offset {base} was committed as another")
        self.tell(f"{member.node_id} knows that all below {high_watermark} is committed")
        if high_watermark > self.committed_end:
            self.committed_end = high_watermark
            voting = member.node.voters.ids
            holders = sum(self.members[i].log.durable_end >= high_watermark for i in voting)
            if holders * 2 <= len(voting):
                raise Violation(f"{high_watermark} is committed and only {holders} have it on disk")


def _directory(node_id: int) -> UUID:
    return UUID(int=100 + node_id)


def batch_count(cluster: RaftCluster) -> int:
    return sum(not read_header(batch).is_control for _, batch in cluster.committed_batches.values())


def weather(cluster: RaftCluster) -> None:
    """One thing goes wrong, or right again."""
    draw = cluster.random.random()
    victim = cluster.members[int(cluster.random.random() * len(cluster.members))]
    if draw < 0.25:
        if victim.alive:
            cluster.crash(victim.node_id, power=cluster.random.random() < 0.5)
    elif draw < 0.5:
        for member in cluster.members:
            if not member.alive:
                member.start()
    elif draw < 0.7:
        cluster.isolate([victim.node_id], one_way=cluster.random.random() < 0.5)
    elif draw < 0.85:
        cluster.heal()
    elif draw < 0.92:
        cluster.resign()


def storm(seed: int) -> RaftCluster:
    cluster = RaftCluster(seed, size=5 if seed % 3 == 0 else 3)
    for member in cluster.members:
        member.start()
    for number in range(ROUNDS):
        for index in range(5):
            cluster.append(b"%d/%d" % (number, index))
            cluster.run(cluster.now_ms + cluster.draw(1, 400))
        weather(cluster)
    cluster.heal()
    for member in cluster.members:
        if not member.alive:
            member.start()
    return cluster


def settle(cluster: RaftCluster) -> None:
    """The faults have stopped: there is a leader again, and all commit what it is given."""
    for _ in range(100):
        cluster.run(cluster.now_ms + 100)
        if cluster.append(b"at last"):
            break
    before = cluster.committed_end
    cluster.run(cluster.now_ms + 8000)
    assert cluster.append(b"the end"), "nobody leads"
    cluster.run(cluster.now_ms + 2000)
    assert cluster.committed_end > before, "nothing is committed any more"
    leader = cluster.leader()
    assert leader is not None, "nobody leads"
    assert leader.node_id in leader.node.voters, "who votes no more leads"
    ends = {member.high_watermark for member in cluster.members}
    assert ends == {cluster.committed_end}, f"seed {cluster.seed}: the members know {ends}"
