"""One shard: the machine of one led partition, and the answers that wait for its high watermark.

    loading    the log is being replayed: COORDINATOR_LOAD_IN_PROGRESS
    active     a command decides, its records are appended and replayed, its answers wait until the
               high watermark has passed all that was appended before them
    stopped    not led here any more, or not readable: NOT_COORDINATOR

A failed append leaves machine and log at odds, so the shard forgets everything and loads again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from minikafka.coordinators.decision import Decision, Moment
from minikafka.coordinators.runtime.appending import append
from minikafka.coordinators.runtime.hosting import Machine, Parking, Replica
from minikafka.coordinators.runtime.loading import Loading
from minikafka.protocol.errors import ErrorCode, KafkaError, ProtocolError
from minikafka.records.errors import CorruptRecordError
from minikafka.replicated.commit_queue import CommitQueue

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from minikafka.coordinators.decision import Answer, Waiter
    from minikafka.runtime.clock import WallClock

MachineT = TypeVar("MachineT", bound=Machine)

logger = logging.getLogger("minikafka.coordinators")

# What clients are told about a failed append; anything else is -1, as everywhere.
_APPEND_ERRORS = {
    ErrorCode.NOT_ENOUGH_REPLICAS: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
    ErrorCode.MESSAGE_TOO_LARGE: ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
}


class Shard(Generic[MachineT]):
    """Owns one machine. `unavailable` is the error that answers commands while it is not active."""

    __slots__ = (
        "_codec",
        "_commit_timeout_ms",
        "_loading",
        "_loop",
        "_machine",
        "_make_machine",
        "_on_storage_failure",
        "_parked",
        "_parking",
        "_timer",
        "_timer_ms",
        "_wall_clock",
        "epoch",
        "name",
        "replica",
        "unavailable",
    )

    def __init__(
        self,
        name: str,
        replica: Replica,
        make_machine: Callable[[], MachineT],
        *,
        loop: asyncio.AbstractEventLoop,
        wall_clock: WallClock,
        parking: Parking,
        on_storage_failure: Callable[[Any, OSError], None],
        commit_timeout_ms: int,
        codec: int,
    ) -> None:
        self.name = name
        self.replica = replica
        self.epoch = replica.leader_epoch
        self._make_machine = make_machine
        self._loop = loop
        self._wall_clock = wall_clock
        self._parking = parking
        self._on_storage_failure = on_storage_failure
        self._commit_timeout_ms = commit_timeout_ms
        self._codec = codec
        self.unavailable: ErrorCode | None = None
        self._machine: MachineT
        self._loading: Loading
        self._parked: CommitQueue[tuple[int, Answer]] = CommitQueue()
        """Answers with their deadlines in loop ms, which ascend like the offsets."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ms = 0
        self._begin_loading()

    def now(self) -> Moment:
        """This moment, for a command."""
        return Moment(int(self._loop.time() * 1000), self._wall_clock.now_ms())

    # -- loading ----------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to load."""
        return bool(self.replica.log.log_start_offset == self.replica.log.log_end_offset)

    def load_piece(self) -> bool:
        """Replay the next piece of the log; true when no more will come of it."""
        if self.unavailable is not ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
            return True
        try:
            loaded = self._loading.step()
        except OSError as error:
            self.unavailable = ErrorCode.NOT_COORDINATOR
            self._on_storage_failure(self.replica, error)
            return True
        except (CorruptRecordError, ProtocolError) as error:
            self.unavailable = ErrorCode.NOT_COORDINATOR
            logger.error("%s cannot be loaded: %s", self.name, error)
            return True
        if loaded:
            self.unavailable = None
            self._machine.activate(self.now())
            self._watch_time()
        return loaded

    def _begin_loading(self) -> None:
        self.unavailable = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        self._machine = self._make_machine()
        self._loading = Loading(self.replica.log, self._machine)

    def _go_on_loading(self) -> None:
        if not self.load_piece():
            self._loop.call_soon(self._go_on_loading)

    # -- commands ---------------------------------------------------------------------------------

    def submit(self, waiter: Waiter, command: Callable[[MachineT, Decision, Moment], None]) -> None:
        """Have the machine decide; `waiter` is answered by this command or a later one."""
        if self.unavailable is not None:
            waiter.fail(KafkaError(self.unavailable))
            return
        if not self.replica.is_leader:
            waiter.fail(KafkaError(ErrorCode.NOT_COORDINATOR))
            return
        decision = Decision()
        now = self.now()
        try:
            command(self._machine, decision, now)
        except KafkaError as error:
            decision.answers.append((waiter, error))
        self._carry_out(decision, now)

    def age(self) -> None:
        """What is due by age."""
        if self.unavailable is None and self.replica.is_leader:
            decision, now = Decision(), self.now()
            self._machine.age(decision, now)
            self._carry_out(decision, now)

    def _carry_out(self, decision: Decision, now: Moment) -> None:
        """Append, replay, answer."""
        if decision.records and not self._append(decision, now):
            return
        self._watch_time()
        required = self.replica.log.log_end_offset
        if self.replica.high_watermark >= required:
            for waiter, response in decision.answers:
                _give(waiter, response)
            return
        if not self._parked:
            self.replica.waiting_produces[self] = None
            self._parking.park(self, self._commit_timeout_ms)
        deadline_ms = now.now_ms + self._commit_timeout_ms
        for answer in decision.answers:
            self._parked.add(required, (deadline_ms, answer))

    def _append(self, decision: Decision, now: Moment) -> bool:
        try:
            append(self.replica, decision.records, now.wall_ms, self._codec)
        except KafkaError as error:
            failure = error
        except OSError as error:
            self._on_storage_failure(self.replica, error)
            failure = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        else:
            for record in decision.records:
                self._machine.replay(record, now.wall_ms)
            self._parking.changed(self.replica)
            return True
        logger.warning("%s: %s; it is loaded again", self.name, failure)
        code = _APPEND_ERRORS.get(failure.code, ErrorCode.UNKNOWN_SERVER_ERROR)
        answers = [waiter for waiter, _ in decision.answers]
        self._forget(ErrorCode.NOT_COORDINATOR)
        if self.replica.is_leader:
            self._begin_loading()
            self._go_on_loading()
        for waiter in answers:
            waiter.fail(KafkaError(code))
        return False

    # -- waiting for the replicas -----------------------------------------------------------------

    def try_complete(self) -> None:
        """The high watermark has moved: give the answers that it has passed."""
        passed = self._parked.take_committed(self.replica.high_watermark)
        if not self._parked:
            self._release()
        for _, (waiter, response) in passed:
            _give(waiter, response)

    def expire(self) -> None:
        """Those that have waited too long are told; their records may still be committed."""
        parked = self._parked
        now_ms = self.now().now_ms
        late = []
        # A loop may fire a timer up to a millisecond early.
        while parked and parked.first[0] <= now_ms + 1:
            late.append(parked.take()[1][0])
        if parked:
            self._parking.park(self, max(1, parked.first[0] - now_ms))
        else:
            self.replica.waiting_produces.pop(self, None)
        for waiter in late:
            waiter.fail(KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE))

    def _release(self) -> None:
        self._parking.release(self)
        self.replica.waiting_produces.pop(self, None)

    # -- time -------------------------------------------------------------------------------------

    def _watch_time(self) -> None:
        due_ms = self._machine.next_look_ms()
        if due_ms is None or (self._timer is not None and self._timer_ms <= due_ms):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ms = due_ms
        delay_s = max(1, due_ms - int(self._loop.time() * 1000)) / 1000
        self._timer = self._loop.call_later(delay_s, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = None
        if self.unavailable is None and self.replica.is_leader:
            decision, now = Decision(), self.now()
            self._machine.time_passed(decision, now)
            self._carry_out(decision, now)

    # -- the end ----------------------------------------------------------------------------------

    def stop(self) -> None:
        """This broker does not lead the partition any more, or stops."""
        self._forget(ErrorCode.NOT_COORDINATOR)

    def _forget(self, code: ErrorCode) -> None:
        """Drop the machine; whoever waits is sent away with `code`."""
        parked = [waiter for _, (waiter, _) in self._parked.take_all()]
        waiters: dict[int, Waiter] = {id(waiter): waiter for waiter in parked}
        if self.unavailable is None:
            waiters.update((id(waiter), waiter) for waiter in self._machine.waiters())
        self._release()
        self.unavailable = code
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in waiters.values():
            waiter.fail(KafkaError(code))


def _give(waiter: Waiter, response: Any) -> None:
    if isinstance(response, KafkaError):
        waiter.fail(response)
    else:
        waiter.answer(response)
