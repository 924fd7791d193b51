"""The active controller of this process: decide, append, answer later.

Commands are decided one after another on the event loop, each on what those before it appended.
Their answers are released when their records are committed and this broker's image has them; an
answer without records waits for what was appended before it, or it could show what may vanish.

It is active from its election until it is deposed, and refuses everything at other times.
"""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from minikafka.broker.storage import StorageError, read_bootstrap
from minikafka.controller.administration import MODULES
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.runtime.tasks import fail_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from minikafka.broker.quorum import QuorumHost
    from minikafka.broker.storage import Storage
    from minikafka.controller.controller import ClusterController
    from minikafka.controller.decision import Decision
    from minikafka.protocol.types import Message
    from minikafka.runtime.disk import Disk
    from minikafka.runtime.tasks import Scope

    Decide = Callable[[Any, int, int], Decision[Message]]

_LOG = logging.getLogger("minikafka.controller")

ACTIVATE_TASK = "take over as active controller"
PERIOD_S = 0.5
"""How often the active controller looks whether something has become due meanwhile."""
_SHORTEST_S = 0.01
RECORDS_PER_BATCH = 10_000
"""A larger decision that need not be atomic goes into several batches."""


class ControllerHost:
    """Hosts the controller on the quorum's log; `handle` decides while it is the active one.

    What it cannot live with ends the task `ACTIVATE_TASK` of `scope`.
    """

    def __init__(
        self,
        controller: ClusterController,
        quorum: QuorumHost,
        storage: Storage,
        disk: Disk,
        scope: Scope,
    ) -> None:
        self._controller = controller
        self._quorum = quorum
        self._storage = storage
        self._disk = disk
        self._scope = scope
        self._is_active = False
        # Broker id -> broker epoch of those that are known to be gone, whoever led meanwhile.
        self.gone: Mapping[int, int] = {}
        self._watching: asyncio.Task[None] | None = None
        controller.state.can_raise_kraft_version = lambda level: (
            quorum.node.can_raise_kraft_version(level)
        )
        quorum.on_elected(self._activate)
        quorum.on_deposed(self._deactivate)
        self._decide: dict[int, Decide] = {
            ApiKey.CREATE_TOPICS: lambda r, v, t: controller.create_topics(r),
            ApiKey.DELETE_TOPICS: lambda r, v, t: controller.delete_topics(r, v),
            ApiKey.CREATE_PARTITIONS: lambda r, v, t: controller.create_partitions(r),
            ApiKey.INCREMENTAL_ALTER_CONFIGS: lambda r, v, t: controller.incremental_alter_configs(
                r
            ),
            ApiKey.ALTER_CONFIGS: lambda r, v, t: controller.alter_configs(r),
            ApiKey.ALLOCATE_PRODUCER_IDS: lambda r, v, t: controller.allocate_producer_ids(r),
            ApiKey.BROKER_REGISTRATION: lambda r, v, t: controller.register_broker(r, t),
            ApiKey.BROKER_HEARTBEAT: lambda r, v, t: controller.broker_heartbeat(r, t),
            ApiKey.CONTROLLER_REGISTRATION: lambda r, v, t: controller.register_controller(r),
        }

    # -- taking over and letting go ---------------------------------------------------------------

    def _activate(self, epoch: int) -> None:
        """All of the log has been replayed; a new log gets its first records."""
        try:
            bootstrap = read_bootstrap(self._disk, self._storage.metadata_directory)
            self._append(self._controller.activate(bootstrap, self._now_ms()))
        except (KafkaError, OSError, StorageError) as error:
            self._scope.spawn(fail_with(error), ACTIVATE_TASK)
            return
        _LOG.info("active controller in epoch %d", epoch)
        self._is_active = True
        for broker_id, broker_epoch in self.gone.items():
            self.broker_gone(broker_id, broker_epoch)
        self._watching = self._scope.spawn(self._watch(), "watch the cluster")

    def _deactivate(self, epoch: int) -> None:
        _LOG.info("no longer the active controller of epoch %d", epoch)
        self._is_active = False
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def broker_gone(self, broker_id: int, broker_epoch: int) -> None:
        """The process of this epoch has ended: fence it now."""
        if self._is_active:
            self._carry_out(self._controller.broker_unreachable(broker_id, broker_epoch))

    async def _watch(self) -> None:
        """Do what is due without being asked."""
        controller = self._controller
        while True:
            read_by_others = self._is_read_by_others()
            due_ms = controller.next_due_ms(read_by_others=read_by_others) - self._now_ms()
            await asyncio.sleep(min(max(due_ms / 1000, _SHORTEST_S), PERIOD_S))
            is_more = True
            while is_more:
                decision = controller.periodic(self._now_ms(), read_by_others=read_by_others)
                is_more = decision.response
                if not self._carry_out(decision):
                    await asyncio.sleep(PERIOD_S)
                    break

    def _is_read_by_others(self) -> bool:
        """Whether the quorum has other voters, or brokers that only follow it."""
        own_id = self._quorum.node_id
        others = (broker_id for broker_id in self._controller.image.brokers if broker_id != own_id)
        return len(self._quorum.node.voters) > 1 or next(others, None) is not None

    def _carry_out(self, decision: Decision[Any]) -> bool:
        """Append what nobody has asked for; False: it failed and is decided anew another time."""
        try:
            if decision.records:
                self._append(decision)
        except KafkaError as error:
            _LOG.warning("nothing is decided now: %s", error)
            return False
        return True

    # -- deciding ---------------------------------------------------------------------------------

    async def handle(
        self, request: Message, version: int, client_id: str | None, client_host: str | None = None
    ) -> Message:
        """Decide `request`; the response, once what was decided is committed and applied here.

        KafkaError: the request is refused as a whole, NOT_CONTROLLER (41) when this node does not
        lead, REQUEST_TIMED_OUT (7) when its own time-out is over first (it may still happen).
        """
        if not (self._is_active and self._quorum.is_leader):
            raise KafkaError(ErrorCode.NOT_CONTROLLER, self._who_is())
        # Kafka's controller does not look at the time-out of an UpdateFeatures.
        is_timed = request.api_key != ApiKey.UPDATE_FEATURES
        timeout_ms = getattr(request, "timeout_ms", None) if is_timed else None
        if timeout_ms is not None and timeout_ms <= 0:
            # As Kafka does: no time at all is over before the request is looked at.
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT)
        if request.api_key == ApiKey.DESCRIBE_QUORUM:
            return self._describe_quorum(request, version)
        if request.api_key in (ApiKey.ADD_RAFT_VOTER, ApiKey.REMOVE_RAFT_VOTER):
            return await self._quorum.serve(request, version)
        decide = self._decide.get(request.api_key)
        if decide is None:
            assert request.api_key in MODULES, f"{type(request).__name__} is not the controller's"
            decision = self._controller.administer(request, version)
        else:
            decision = decide(request, version, self._now_ms())
        try:
            offset = self._append(decision)
        except OSError as error:  # this node ends with its metadata log
            raise KafkaError(ErrorCode.NOT_CONTROLLER, self._who_is()) from error
        await self._committed(offset, timeout_ms)
        return decision.response

    def _who_is(self) -> str:
        leader_id = self._quorum.leader_id
        if leader_id < 0 or leader_id == self._quorum.node_id:
            return "No controller appears to be active."
        return f"The active controller appears to be node {leader_id}."

    def _describe_quorum(self, request: Message, version: int) -> Message:
        quorum = self._quorum
        # Loaded when somebody asks, as handlers are.
        describe: Callable[..., Message] = import_module(
            "minikafka.broker.quorum_description"
        ).describe_quorum
        return describe(
            request,
            version,
            node=quorum.node,
            image=quorum.image,
            log_end_offset=quorum.log_end_offset,
            wall_ms=quorum.wall_ms(),
            now_ms=self._now_ms(),
        )

    def _append(self, decision: Decision[Any]) -> int:
        """Append the decision's records; the offset whose commit releases its response."""
        records = decision.records
        if decision.kraft_version is not None:
            if records:
                self._quorum.append(records)
            return self._quorum.raise_kraft_version(decision.kraft_version)
        if decision.atomic or len(records) <= RECORDS_PER_BATCH:
            return self._quorum.append(records) if records else self._quorum.log_end_offset - 1
        last_offset = -1
        for start in range(0, len(records), RECORDS_PER_BATCH):
            last_offset = self._quorum.append(records[start : start + RECORDS_PER_BATCH])
        return last_offset

    async def _committed(self, offset: int, timeout_ms: int | None) -> None:
        if timeout_ms is None:
            await self._quorum.committed(offset)
            return
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self._quorum.committed(offset)
        except TimeoutError:
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT) from None

    def _now_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)
