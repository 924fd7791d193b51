"""One node: its start order and its stop order, and nothing else.

Start: directories → metadata log → the controllers' listener, which must answer before there is a
leader → metadata as the leader has it → logs of the replicas → ports taken → registration →
unfenced → connections accepted. Nobody gets in before the broker is ready, so that no client sees
less than before the restart. A node that is only a controller ends with its listener.

Stop: controlled shutdown → no more connections, parked requests answered → leadership of the quorum
handed over, while the controllers' listener still answers → metadata log closed → replicas' logs
closed and marked clean. Nothing durable depends on the stop being reached.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from importlib import import_module
from random import Random
from typing import Any

from minikafka.api.context import ControllerServices, Services
from minikafka.api.dispatch import Dispatcher
from minikafka.api.producer_ids import ProducerIdSource
from minikafka.broker.catching_up import until_caught_up
from minikafka.broker.controller import ACTIVATE_TASK, ControllerHost
from minikafka.broker.controller_gateway import ControllerGateway
from minikafka.broker.controller_registration import register_controller
from minikafka.broker.lifecycle import BrokerLifecycle
from minikafka.broker.listening import Address, ListenError, Listeners
from minikafka.broker.liveness import BrokerLiveness
from minikafka.broker.local_replicas import LocalReplicas
from minikafka.broker.quorum import QuorumHost
from minikafka.broker.quorum_driver import QUORUM_TASK
from minikafka.broker.replication import reconfigure_replication, start_replication
from minikafka.broker.storage import Storage, StorageError, lacks_cluster_id, prepare_storage
from minikafka.controller.controller import ClusterController
from minikafka.log.errors import CorruptLogError, LogDirectoryError
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import BROKER_RESOURCE, MetadataImage
from minikafka.protocol.errors import KafkaError
from minikafka.replication.fetch_session import FetchSessionCache
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.replicas import ReplicaManager
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.disk import Disk
from minikafka.runtime.entropy import random_uuid
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.broker")

DRAIN_TIMEOUT_S = 5.0
RESIGN_TIMEOUT_S = 1.0
"""An election takes a tenth of that, if there is a majority for one."""
SHUTDOWN_TIMEOUT_S = 5.0
"""Container runtimes kill after ten seconds: a stop without a majority must be through by then."""


class StartError(Exception):
    """The broker cannot start; the text is one line for the person who started it."""


_REASONS = (StartError, ListenError, StorageError, LogDirectoryError, CorruptLogError, KafkaError)


class Broker:
    """A node in one process: a broker, a controller, or both.

    `addresses` are (listener, host, port) of the client listeners once started. `failed` gets the
    exception that the node cannot live with.
    """

    failed: asyncio.Future[None]

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        cluster_id: str | None,
        disk: Disk,
        wall_clock: WallClock,
        random: Random,
        metadata_disk: Disk | None = None,
    ) -> None:
        """`metadata_disk` gives the metadata log an fsync executor of its own."""
        self._settings = settings
        self._given_cluster_id = cluster_id
        self._disk = disk
        self._metadata_disk = metadata_disk or disk
        self._wall_clock = wall_clock
        self._random = random
        self._clients: Listeners | None = None
        self._controllers: Listeners | None = None
        self._quorum: QuorumHost | None = None
        self._gateway: ControllerGateway | None = None
        self._lifecycle: BrokerLifecycle | None = None
        self._local: LocalReplicas | None = None
        self._serving: Services | None = None

    @property
    def addresses(self) -> list[Address]:
        """Where clients connect, once started."""
        return [] if self._clients is None else self._clients.addresses

    def _bound(self) -> list[Address]:
        controllers = [] if self._controllers is None else self._controllers.addresses
        return [*self.addresses, *controllers]

    async def start(self) -> None:
        """Start in the order of the module; raises StartError, after which nothing is left open."""
        loop = asyncio.get_running_loop()
        self.failed = loop.create_future()
        self._scope = Scope("broker", self._task_failed)
        self._age_clock = AgeClock(loop, self._wall_clock)
        self._purgatory = Purgatory(loop)
        try:
            _require_supported(self._settings)
            await self._start()
        except _REASONS as error:
            await self._close()
            raise StartError(str(error)) from error
        except OSError as error:
            await self._close()
            raise StartError(f"cannot start: {error}") from error

    async def _start(self) -> None:
        settings = self._settings
        storage = await self._open_storage()
        quorum, gateway = await self._start_quorum(storage)
        if settings.is_broker:
            await self._start_broker(storage, quorum, gateway)
        logger.info(
            "node %d of cluster %s listens on %s",
            settings.node_id,
            storage.cluster_id,
            ", ".join(f"{name}://{host}:{port}" for name, host, port in self._bound()),
        )

    async def _start_quorum(self, storage: Storage) -> tuple[QuorumHost, ControllerGateway]:
        """Take part in the quorum: as a controller, or as one who only follows it."""
        settings = self._settings
        controller = None
        if settings.is_controller:
            controller = ClusterController(
                cluster_id=storage.cluster_id,
                settings=settings,
                random=self._random,
                new_uuid=partial(random_uuid, self._random),
            )
        quorum = self._quorum = QuorumHost(
            settings=settings,
            storage=storage,
            disk=self._metadata_disk,
            wall_clock=self._wall_clock,
            scope=self._scope,
            controller=controller,
            random=self._random,
            age_clock=self._age_clock,
        )
        host = None
        if controller is not None:
            host = ControllerHost(controller, quorum, storage, self._metadata_disk, self._scope)
        gateway = self._gateway = ControllerGateway(
            host=host, quorum=quorum, settings=settings, random=self._random
        )
        if host is None:
            await quorum.start()
        else:
            await self._start_controller(storage, quorum, host, gateway)
        return quorum, gateway

    async def _start_controller(
        self,
        storage: Storage,
        quorum: QuorumHost,
        host: ControllerHost,
        gateway: ControllerGateway,
    ) -> None:
        settings = self._settings
        liveness = self._watch_brokers(quorum, host)
        services = ControllerServices(
            quorum=quorum, **self._of_node(storage, quorum.image, controller=host)
        )
        listeners = self._controllers = Listeners(settings, Dispatcher(services).serve)
        await listeners.take_ports(settings.controller_listeners())
        await quorum.start([endpoint[:3] for endpoint in listeners.of_controller()])
        liveness.begin(quorum.image)
        await listeners.accept()
        registration = register_controller(
            gateway, settings.node_id, random_uuid(self._random), listeners.of_controller()
        )
        self._scope.spawn(registration, "register this controller")

    def _watch_brokers(self, quorum: QuorumHost, host: ControllerHost) -> BrokerLiveness:
        liveness = BrokerLiveness(
            node_id=self._settings.node_id,
            listener_name=self._settings.inter_broker_listener_name,
            scope=self._scope,
            on_gone=host.broker_gone,
        )
        host.gone = liveness.gone
        quorum.on_publish(liveness.publish)
        return liveness

    async def _start_broker(
        self, storage: Storage, quorum: QuorumHost, gateway: ControllerGateway
    ) -> None:
        settings = self._settings
        await self._unless_failed(until_caught_up(quorum))
        local = self._local
        assert local is not None, "opened with the storage"
        replicas = local.load(quorum.image)
        quorum.on_publish(replicas.publish)
        quorum.on_publish(self._follow)
        reconfigure_replication(replicas, self._in_effect(quorum.image))
        services = self._serving = self._services(storage, quorum.image, gateway, replicas)
        groups = services.groups
        quorum.on_publish(groups.publish)
        replicas.on_started.append(lambda p: groups.replica_started(p.topic, p.index))
        lifecycle = self._lifecycle = BrokerLifecycle(
            settings=settings,
            cluster_id=storage.cluster_id,
            incarnation_id=random_uuid(self._random),
            directory_ids=list(storage.directory_ids.values()),
            previous_broker_epoch=local.previous_broker_epoch(),
            controller=gateway,
            image=quorum.image,
            scope=self._scope,
            online_directory_ids=local.online_directory_ids,
        )
        quorum.on_publish(lifecycle.publish)
        quorum.on_leader_change(lambda leader_id, epoch: lifecycle.report())
        listeners = self._clients = Listeners(settings, Dispatcher(services).serve)
        await listeners.take_ports(settings.broker_listeners())
        await self._unless_failed(lifecycle.register(listeners.advertised()))
        start_replication(services, lifecycle)
        await self._unless_failed(lifecycle.unfence())
        groups.start()
        await listeners.accept()
        services.producer_ids.start()
        local.start_upkeep(self._in_effect(quorum.image))

    async def _unless_failed(self, work: Coroutine[Any, Any, None]) -> None:
        """Do a part of the start, which the failure of another part may leave waiting for ever."""
        scope = Scope("start", lambda name, error: None)  # whoever awaits it is told
        task = scope.spawn(work, "wait")
        try:
            await asyncio.wait((task, self.failed), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise StartError(str(self.failed.exception()))
            await task
        finally:
            await scope.close()

    async def stop(self) -> None:
        """Stop cleanly. Safe after a failed start and a second time."""
        # A broker that has failed has nothing left to hand over.
        quorum, lifecycle = self._quorum, self._lifecycle
        if quorum is not None and lifecycle is not None and not self.failed.done():
            try:
                await lifecycle.leave(SHUTDOWN_TIMEOUT_S, may_elect=quorum.may_elect)
            except OSError as error:
                logger.error("this broker could not take its leave: %s", error)
        if self._serving is not None:
            self._serving.groups.close()
        self._purgatory.expire_all()
        if self._clients is not None:
            await self._clients.drain(DRAIN_TIMEOUT_S)
        if self._gateway is not None:
            self._gateway.close()
        if self._quorum is not None:
            await self._quorum.resign(RESIGN_TIMEOUT_S)
        if self._controllers is not None:
            await self._controllers.drain(DRAIN_TIMEOUT_S)
        epoch = -1 if self._lifecycle is None else self._lifecycle.broker_epoch
        self._age_clock.close()
        if self._local is not None:
            await self._local.stop_upkeep()
        await self._stop_quorum()
        if self._local is not None:
            # Last, for this writes the markers that say that all is well.
            await self._local.close(epoch)
        await self._close()

    async def _close(self) -> None:
        """Let go of everything, cleanly or not; in the order in which it depends on each other."""
        for listeners in (self._clients, self._controllers):
            if listeners is not None:
                listeners.close()
        await self._stop_quorum()
        self._age_clock.close()
        await self._scope.close()
        if self._local is not None:
            await self._local.abandon()
        self._disk.close()
        self._metadata_disk.close()

    async def _stop_quorum(self) -> None:
        quorum, self._quorum = self._quorum, None
        if quorum is not None:
            try:
                await quorum.stop()
            except OSError as error:
                logger.error("the metadata log was not closed cleanly: %s", error)

    # -- parts of the start ---------------------------------------------------------------------

    async def _open_storage(self) -> Storage:
        settings, cluster_id = self._settings, self._given_cluster_id
        if cluster_id is None and lacks_cluster_id(settings, self._disk):
            # Loaded here, for it is needed once in the life of some nodes.
            find: Callable[[BrokerSettings], Awaitable[str]] = import_module(
                "minikafka.broker.cluster_id"
            ).find_cluster_id
            cluster_id = await find(settings)
        storage = prepare_storage(
            settings,
            self._disk,
            self._random,
            wall_ms=self._wall_clock.now_ms(),
            cluster_id=cluster_id,
        )
        local = self._local = LocalReplicas(
            settings=settings,
            disk=self._disk,
            purgatory=self._purgatory,
            wall_clock=self._wall_clock,
            age_clock=self._age_clock,
            random=self._random,
            scope=self._scope,
            on_fatal=self._fail,
            on_offline=self._directory_offline,
        )
        local.open(storage)
        return storage

    def _services(
        self,
        storage: Storage,
        image: MetadataImage,
        gateway: ControllerGateway,
        replicas: ReplicaManager,
    ) -> Services:
        settings = self._settings
        return Services(
            replicas=replicas,
            fetch_sessions=FetchSessionCache(
                settings.max_incremental_fetch_session_cache_slots, self._random
            ),
            purgatory=self._purgatory,
            producer_ids=ProducerIdSource(settings.node_id, image, gateway, self._scope),
            **self._of_node(storage, image, controller=gateway),
        )

    def _of_node(self, storage: Storage, image: MetadataImage, **others: Any) -> dict[str, Any]:
        """What the services of all listeners have."""
        return {
            "settings": self._settings,
            "cluster_id": storage.cluster_id,
            "image": image,
            "wall_clock": self._wall_clock,
            "age_clock": self._age_clock,
            "random": self._random,
            "scope": self._scope,
            "loop": asyncio.get_running_loop(),
            **others,
        }

    # -- while it runs --------------------------------------------------------------------------

    def _follow(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Take configs of this broker that may change while it runs."""
        names = ("", str(self._settings.node_id))
        if not any((BROKER_RESOURCE, name) in delta.changed_configs for name in names):
            return
        settings = self._in_effect(image)
        for listeners in (self._clients, self._controllers):
            if listeners is not None:
                listeners.follow(settings)
        if self._local is not None:
            self._local.follow(settings)

    def _in_effect(self, image: MetadataImage) -> BrokerSettings:
        for_all, own = image.cluster_configs, image.broker_configs(self._settings.node_id)
        return self._settings.with_dynamic(for_all, own) if for_all or own else self._settings

    def _directory_offline(self) -> None:
        if self._lifecycle is not None:
            self._lifecycle.report()

    def _task_failed(self, name: str, error: BaseException) -> None:
        logger.error("%s failed", name, exc_info=error)
        if isinstance(error, OSError) or name.endswith((QUORUM_TASK, ACTIVATE_TASK)):
            # Without its metadata log this node would answer NOT_CONTROLLER for ever.
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)


def _require_supported(settings: BrokerSettings) -> None:
    """Refuse by name what this version cannot do, before anything is written."""
    for listener in settings.listeners:
        if listener.security_protocol != "PLAINTEXT":
            raise StartError(
                f"listeners: {listener.address} wants {listener.security_protocol}, and this "
                "version serves PLAINTEXT only"
            )
