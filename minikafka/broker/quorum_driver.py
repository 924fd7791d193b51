"""Steps the raft machine and carries out what it asks.

    requests ─┐                     ┌─ persist: quorum-state, log, pieces of snapshots
    answers ──┼─► inbox ─► RaftNode ├─ send: requests (`quorum_peers`), answers (`quorum_serving`)
    time ─────┘                     └─ apply: elected, deposed, committed (`quorum`)

The log is flushed in the background and by itself in groups: what is appended while an fsync runs
shares the next one. It answers for what it holds when it answers, cuts included, so whatever it
says is true of the present epoch.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from importlib import import_module
from typing import TYPE_CHECKING

from minikafka.broker.quorum_serving import QuorumServing
from minikafka.broker.storage import StorageError
from minikafka.protocol.errors import ErrorCode
from minikafka.raft.effects import ProbeVoter, Request
from minikafka.raft.events import (
    Answered,
    Flushed,
    SnapshotInstalled,
    SnapshotRefused,
    Started,
    TimerFired,
)
from minikafka.runtime.tasks import fail_with

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from minikafka.broker.quorum_log import QuorumLog
    from minikafka.broker.quorum_peers import QuorumPeers
    from minikafka.broker.quorum_replay import QuorumReplay
    from minikafka.metadata.delta import MetadataDelta
    from minikafka.raft.effects import Apply, Effects, Persist, SnapshotChunk
    from minikafka.raft.events import Event
    from minikafka.raft.node import RaftNode
    from minikafka.runtime.tasks import Scope

_LOG = logging.getLogger("minikafka.quorum")

QUORUM_TASK = "metadata quorum"
"""How the names of tasks end without which a node has no metadata: it ends with them."""


class RaftDriver:
    """Runs one machine on its log. `apply` is told what has become true, in order; `loaded` what
    has changed when a snapshot has taken the place of the log; `stepped` is called after each step.

    Tasks that fail (an OSError of the log, a leader's log that this version cannot read) end it.
    """

    def __init__(
        self,
        *,
        node: RaftNode,
        log: QuorumLog,
        replay: QuorumReplay,
        cluster_id: str,
        address_of: Callable[[int], tuple[str, int] | None],
        request_timeout_s: float,
        scope: Scope,
        apply: Callable[[Apply], None],
        loaded: Callable[[MetadataDelta], None],
        stepped: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._node = node
        self._log = log
        self._replay = replay
        self._cluster_id = cluster_id
        self._scope = scope
        self._apply = apply
        self._loaded = loaded
        self._stepped = stepped
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Event] = deque()
        self._news = asyncio.Event()
        self._to_apply: deque[Apply] = deque()
        self._is_applying = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ms = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.is_open = True
        self._address_of = address_of
        self._request_timeout_s = request_timeout_s
        self._known_peers: QuorumPeers | None = None
        self.serving = QuorumServing(cluster_id, log, self.take)

    # -- life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take part; a sole voter leads on return."""
        self.step(Started())
        self._spawn(self._run(), "step")

    def end(self) -> None:
        """Take part no more: nothing is sent, and what was asked stays unanswered."""
        if self.is_open:
            self.is_open = False
            self._keep_time(None)
            if self._known_peers is not None:
                self._known_peers.close()
            self.serving.close()
            self._ended()

    async def stop(self) -> None:
        """End, and wait until what is being flushed is on disk."""
        self.end()
        for what, task in self._tasks.items():
            if what != "flush":
                task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def fail(self, error: OSError) -> None:
        """The machine has taken what the log has not: nothing can go on from here."""
        self.end()
        self._spawn(fail_with(error), "append")

    # -- events -----------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Something has happened; the machine is stepped by a task that somebody watches."""
        self._inbox.append(event)
        self._news.set()

    async def _run(self) -> None:
        try:
            while True:
                self._news.clear()
                while self._inbox and self.is_open:
                    event = self._inbox.popleft()
                    if isinstance(event, Answered):
                        self._require_same_cluster(event)
                    self.step(event)
                await self._news.wait()
        finally:
            self.end()

    def _require_same_cluster(self, event: Answered) -> None:
        if getattr(event.response, "error_code", 0) == ErrorCode.INCONSISTENT_CLUSTER_ID:
            raise StorageError(
                f"{self._log.directory}: this node belongs to cluster {self._cluster_id}, but node "
                f"{event.node_id} of its quorum does not."
            )

    def step(self, event: Event) -> None:
        """Step the machine and carry out what it asks, in its order: persist, send, apply."""
        self._carry_out(self._node.step(event, int(self._loop.time() * 1000)))

    @property
    def _peers(self) -> QuorumPeers:
        """The others: a voter that is alone has none, and starts without the code for them."""
        if self._known_peers is None:
            module = import_module("minikafka.broker.quorum_peers")
            self._known_peers = module.QuorumPeers(
                node_id=self._node.node_id,
                timeout_s=self._request_timeout_s,
                scope=self._scope,
                address_of=self._address_of,
                outcome=self.take,
            )
        return self._known_peers

    # -- effects ----------------------------------------------------------------------------------

    def _carry_out(self, effects: Effects) -> None:
        if effects.persist is not None:
            self._persist(effects.persist)
        if self._node.needs_flush and not self._is_busy("flush"):
            self._spawn(self._flush(), "flush")
        for send in effects.send:
            if isinstance(send, Request):
                self._peers.ask(send.node_id, send.message)
            elif isinstance(send, ProbeVoter):
                self._peers.probe(send)
            else:
                self.serving.reply(send)
        self._keep_time(effects.timer_at_ms)
        # Whoever is told may append, which steps again: its effects are applied after these.
        self._to_apply += effects.apply
        if self._is_applying:
            return
        self._is_applying = True
        try:
            while self._to_apply:
                self._apply(self._to_apply.popleft())
        finally:
            self._is_applying = False
        self._stepped()

    def _persist(self, persist: Persist) -> None:
        log, node = self._log, self._node
        if persist.quorum_state is not None:
            log.write_quorum_state(persist.quorum_state, node.kraft_version, node.voters)
        if persist.truncate_to is not None:
            log.truncate(persist.truncate_to)
            self._replay.truncate(persist.truncate_to)
        for batch in persist.batches:
            for written in log.write(batch):
                self._replay.append(written)
        if persist.snapshot is not None:
            log.keep(persist.snapshot)
            if persist.snapshot.is_last:
                self._spawn(self._install(persist.snapshot), "install")

    def _keep_time(self, at_ms: int | None) -> None:
        """Step again at this time at the latest; earlier does no harm."""
        if self._timer is not None and at_ms is not None and self._timer_at_ms <= at_ms:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_ms is not None and self.is_open:
            self._timer_at_ms = at_ms
            # Loops fire up to a millisecond early, and the machine counts whole ones.
            self._timer = self._loop.call_at((at_ms + 1) / 1000, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        self.take(TimerFired())

    async def _flush(self) -> None:
        """Flush until nothing is left that was written after the last fsync began."""
        is_done = False
        try:
            while self.is_open and self._node.needs_flush:
                end_offset = await self._log.flush()
                if self.is_open:
                    self.step(Flushed(self._node.epoch, end_offset))
            is_done = True
        finally:
            if not is_done:
                self.end()

    async def _install(self, chunk: SnapshotChunk) -> None:
        end_offset, epoch = chunk.end_offset, chunk.epoch
        try:
            snapshot = await self._log.install(end_offset, epoch)
        except ValueError as error:
            _LOG.error("the leader's snapshot of what is below %d: %s", end_offset, error)
            self.step(SnapshotRefused())
            return
        delta = self._replay.load(end_offset, epoch, snapshot)
        self.step(SnapshotInstalled(end_offset, epoch, snapshot.kraft_version, snapshot.voters))
        self._loaded(delta)

    # -- tasks ------------------------------------------------------------------------------------

    def _spawn(self, coroutine: Coroutine[None, None, None], what: str) -> None:
        self._tasks[what] = self._scope.spawn(coroutine, f"{what} {QUORUM_TASK}")

    def _is_busy(self, what: str) -> bool:
        task = self._tasks.get(what)
        return task is not None and not task.done()
