"""The active controller as a machine: commands give decisions, records change state.

Its host appends the records of a decision to the metadata log, replays them here at once, so that
the next command is decided on what they make, and releases the response when they are committed.
A controller that is not active only replays.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minikafka.controller import brokers, controllers, features
from minikafka.controller import producer_ids as producer_id_blocks
from minikafka.controller.administration import administer
from minikafka.controller.decision import Decision
from minikafka.controller.state import ControllerState
from minikafka.controller.upkeep import Upkeep
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.loader import MetadataLoader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random
    from uuid import UUID

    from minikafka.metadata.image import MetadataImage
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.protocol.messages import (
        allocate_producer_ids,
        alter_configs,
        broker_heartbeat,
        broker_registration,
        controller_registration,
        create_partitions,
        create_topics,
        delete_topics,
        incremental_alter_configs,
    )
    from minikafka.protocol.types import Message
    from minikafka.settings.broker import BrokerSettings


class ClusterController:
    """Owns the state of the controller. Raises KafkaError for a request refused as a whole."""

    __slots__ = ("_loader", "_upkeep", "state")

    def __init__(
        self,
        *,
        cluster_id: str,
        settings: BrokerSettings,
        random: Random,
        new_uuid: Callable[[], UUID],
    ) -> None:
        self.state = ControllerState(
            cluster_id=cluster_id, settings=settings, random=random, new_uuid=new_uuid
        )
        self._loader = MetadataLoader(self.state.image)
        self._upkeep = Upkeep(self.state)

    @property
    def image(self) -> MetadataImage:
        """The metadata with everything appended, committed or not."""
        return self.state.image

    @property
    def next_offset(self) -> int:
        """The offset that the next record will get."""
        return self.state.image.offset + 1

    # -- replay -----------------------------------------------------------------------------------

    def replay(
        self, records: Sequence[MetadataRecord], *, last_offset: int, epoch: int, wall_ms: int
    ) -> None:
        """Take in one batch of the log."""
        delta = MetadataDelta()
        self._loader.replay_batch(
            records, last_offset=last_offset, epoch=epoch, wall_ms=wall_ms, delta=delta
        )
        self.state.names_changed(delta)

    def pass_control_batch(
        self, *, last_offset: int, epoch: int, wall_ms: int, kraft_version: int | None = None
    ) -> None:
        """Go past a batch that is the quorum's own."""
        self._loader.pass_control_batch(
            last_offset=last_offset, epoch=epoch, wall_ms=wall_ms, kraft_version=kraft_version
        )

    def reload(self, committed: MetadataLoader) -> None:
        """Forget what was appended and never committed: go on from a copy of what was.

        For a controller that is deposed, and for one whose log is continued from a snapshot.
        """
        self._loader = committed.copy()
        self.state.load(self._loader.image)

    def activate(self, bootstrap: Sequence[MetadataRecord], now_ms: int) -> Decision[None]:
        """Take over, with everything in the log replayed; `bootstrap` for a log that is empty."""
        self.state.sessions.begin(self.image.brokers.values(), now_ms)
        self._upkeep.begin(now_ms)
        in_transaction = self._loader.transaction_offset >= 0
        records = features.activation_records(self.state, bootstrap, in_transaction=in_transaction)
        return Decision(records, None)

    def periodic(self, now_ms: int, *, read_by_others: bool) -> Decision[bool]:
        """What is due by now without anybody asking; called again at once while it answers True.

        `read_by_others` whether anybody but this node follows the log.
        """
        return self._upkeep.decide(now_ms, read_by_others=read_by_others)

    def next_due_ms(self, *, read_by_others: bool) -> float:
        """When `periodic` has something to do if nothing else happens; may be infinite."""
        return self._upkeep.next_due_ms(read_by_others=read_by_others)

    def administer(self, request: Message, version: int) -> Decision[Message]:
        """Decide a rare command, one of those in `administration.MODULES`."""
        return administer(self.state, request, version)

    # -- topics -----------------------------------------------------------------------------------

    def create_topics(
        self, request: create_topics.CreateTopicsRequest
    ) -> Decision[create_topics.CreateTopicsResponse]:
        decide: Callable[..., Decision[create_topics.CreateTopicsResponse]] = _loaded(
            "topics"
        ).create_topics
        return decide(self.state, request)

    def delete_topics(
        self, request: delete_topics.DeleteTopicsRequest, version: int
    ) -> Decision[delete_topics.DeleteTopicsResponse]:
        decide: Callable[..., Decision[delete_topics.DeleteTopicsResponse]] = _loaded(
            "topics"
        ).delete_topics
        return decide(self.state, request, version)

    def create_partitions(
        self, request: create_partitions.CreatePartitionsRequest
    ) -> Decision[create_partitions.CreatePartitionsResponse]:
        decide: Callable[..., Decision[create_partitions.CreatePartitionsResponse]] = _loaded(
            "partitions"
        ).create_partitions
        return decide(self.state, request)

    # -- configs ----------------------------------------------------------------------------------

    def incremental_alter_configs(
        self, request: incremental_alter_configs.IncrementalAlterConfigsRequest
    ) -> Decision[incremental_alter_configs.IncrementalAlterConfigsResponse]:
        decide: Callable[
            ..., Decision[incremental_alter_configs.IncrementalAlterConfigsResponse]
        ] = _loaded("configs").incremental_alter_configs
        return decide(self.state, request)

    def alter_configs(
        self, request: alter_configs.AlterConfigsRequest
    ) -> Decision[alter_configs.AlterConfigsResponse]:
        decide: Callable[..., Decision[alter_configs.AlterConfigsResponse]] = _loaded(
            "configs"
        ).alter_configs
        return decide(self.state, request)

    # -- nodes ------------------------------------------------------------------------------------

    def register_controller(
        self, request: controller_registration.ControllerRegistrationRequest
    ) -> Decision[controller_registration.ControllerRegistrationResponse]:
        return controllers.register_controller(self.state, request)

    def register_broker(
        self, request: broker_registration.BrokerRegistrationRequest, now_ms: int
    ) -> Decision[broker_registration.BrokerRegistrationResponse]:
        return brokers.register_broker(self.state, request, self.next_offset, now_ms)

    def broker_heartbeat(
        self, request: broker_heartbeat.BrokerHeartbeatRequest, now_ms: int
    ) -> Decision[broker_heartbeat.BrokerHeartbeatResponse]:
        decision = brokers.heartbeat(self.state, request)
        sessions = self.state.sessions
        sessions.touch(
            request.broker_id, request.broker_epoch, now_ms, request.current_metadata_offset
        )
        if decision.response.should_shut_down:
            sessions.end(request.broker_id, request.broker_epoch)
        elif request.want_shut_down:
            last = self.image.offset + len(decision.records)
            sessions.shutting_down(request.broker_id, last)
        return decision

    def broker_unreachable(self, broker_id: int, broker_epoch: int) -> Decision[None]:
        """This process of the broker is known to be gone: its successor need not wait for it."""
        self.state.sessions.end(broker_id, broker_epoch)
        return brokers.unreachable(self.state, broker_id, broker_epoch)

    def allocate_producer_ids(
        self, request: allocate_producer_ids.AllocateProducerIdsRequest
    ) -> Decision[allocate_producer_ids.AllocateProducerIdsResponse]:
        return producer_id_blocks.allocate_producer_ids(self.state, request)


def _loaded(room: str) -> Any:
    """What decides the commands of clients: no start needs it, and with the messages and the
    configs of all resources it takes 4 ms to load."""
    return import_module(f"minikafka.controller.{room}")
