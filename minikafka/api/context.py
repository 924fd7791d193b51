"""What a handler is given: the broker's services, and the request it answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from minikafka.api.wire_names import WireNames
from minikafka.coordinators.runtime.host import CoordinatorHost
from minikafka.metadata.topic_names import CONSUMER_OFFSETS_TOPIC
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.types import Message

if TYPE_CHECKING:
    from minikafka.api.fetch_single import AskedFetches
    from minikafka.api.producer_ids import ProducerIdSource
    from minikafka.coordinators.group.coordinator import GroupCoordinator
    from minikafka.coordinators.runtime.hosting import Replica
    from minikafka.coordinators.runtime.shard import Shard
    from minikafka.metadata.image import MetadataImage
    from minikafka.network.connection import Exchange
    from minikafka.replication.fetch_session import FetchSessionCache
    from minikafka.replication.purgatory import Purgatory
    from minikafka.replication.replicas import ReplicaManager
    from minikafka.runtime.clock import AgeClock, WallClock
    from minikafka.runtime.tasks import Scope
    from minikafka.settings.broker import BrokerSettings


class ControllerGateway(Protocol):
    """The way to the active controller: in this process, or over the network.

    The answer comes after its records are committed; if the controller is in this process, they are
    applied to this broker's image, too. Raises `KafkaError` when the whole request is refused.
    """

    async def handle(
        self, request: Message, version: int, client_id: str | None, client_host: str | None = None
    ) -> Message:
        """Decide `request` and return its response message.

        `client_host` is the address of the client whose request this is; None: our own.
        """
        ...


class NodeServices:
    """What the handlers of every listener may reach, the controller's among them."""

    __slots__ = (
        "age_clock",
        "asked_fetches",
        "cluster_id",
        "controller",
        "image",
        "loop",
        "random",
        "scope",
        "settings",
        "wall_clock",
    )

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        cluster_id: str,
        image: MetadataImage,
        controller: ControllerGateway,
        wall_clock: WallClock,
        age_clock: AgeClock,
        random: random.Random,
        scope: Scope,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.settings = settings
        self.cluster_id = cluster_id
        self.image = image
        self.controller = controller
        self.wall_clock = wall_clock
        self.age_clock = age_clock
        self.random = random
        self.scope = scope
        self.loop = loop

    @property
    def node_id(self) -> int:
        """This node's id."""
        return self.settings.node_id


class QuorumNode(Protocol):
    """This process's part in the metadata quorum."""

    @property
    def leader_id(self) -> int:
        """Who leads the quorum as far as known, -1 if nobody does."""
        ...

    @property
    def is_leader(self) -> bool:
        """Whether the controller in this process is the active one."""
        ...

    async def serve(self, request: Message, version: int) -> Message:
        """Answer another node of the quorum."""
        ...


class ControllerServices(NodeServices):
    """What the handlers of the controller's listener may reach.

    Its `controller` only decides in this process: who is not the active controller says so.
    """

    __slots__ = ("quorum",)

    def __init__(self, quorum: QuorumNode, **of_node: Any) -> None:
        """`of_node`: what `NodeServices` takes."""
        super().__init__(**of_node)
        self.quorum = quorum


class Services(NodeServices):
    """Everything of this broker that handlers may reach; one per broker, wired by `broker`."""

    __slots__ = (
        "creating_topics",
        "fetch_sessions",
        "groups",
        "producer_ids",
        "purgatory",
        "replicas",
        "wire_ids",
        "wire_names",
    )

    def __init__(
        self,
        *,
        replicas: ReplicaManager,
        fetch_sessions: FetchSessionCache,
        purgatory: Purgatory,
        producer_ids: ProducerIdSource,
        **of_node: Any,
    ) -> None:
        """`of_node`: what `NodeServices` takes."""
        super().__init__(**of_node)
        self.replicas = replicas
        self.fetch_sessions = fetch_sessions
        self.purgatory = purgatory
        self.producer_ids = producer_ids
        self.groups: CoordinatorHost[GroupCoordinator] = CoordinatorHost(
            CONSUMER_OFFSETS_TOPIC,
            make_shard=self._make_group_shard,
            image=self.image,
            replicas=replicas,
            loop=self.loop,
            age_clock=self.age_clock,
            age_interval_ms=self.settings.offsets_retention_check_interval_ms,
        )
        # Names whose automatic creation is on its way; asked again, they start no second one.
        self.creating_topics: dict[str, None] = {}
        self.wire_names = WireNames()
        self.wire_ids = WireNames()
        self.asked_fetches: AskedFetches = {}

    def _make_group_shard(self, name: str, replica: Replica) -> Shard[GroupCoordinator]:
        # The machine with its messages is a tenth of the start: it comes with the first shard.
        make: Callable[[Services, str, Replica], Shard[GroupCoordinator]] = import_module(
            "minikafka.api.group_requests"
        ).make_shard
        return make(self, name, replica)


class NodeContext:
    """One request: its header, the connection's exchange it will be answered on, the services."""

    __slots__ = (
        "api_key",
        "client_id",
        "correlation_id",
        "encode",
        "exchange",
        "response_header_version",
        "services",
        "version",
    )

    def __init__(
        self,
        services: NodeServices,
        exchange: Exchange,
        api_key: ApiKey,
        version: int,
        correlation_id: int,
        client_id: str | None,
        response_header_version: int,
        encode: Callable[[Message, Callable[[Any], None]], None],
    ) -> None:
        self.services = services
        self.exchange = exchange
        self.api_key = api_key
        self.version = version
        self.correlation_id = correlation_id
        self.client_id = client_id
        self.response_header_version = response_header_version
        self.encode = encode

    def now_ms(self) -> int:
        """The loop's time: the clock of liveness."""
        return int(self.services.loop.time() * 1000)

    @property
    def listener(self) -> str:
        """Name of the listener the request came in on, which decides the endpoints it is told."""
        return self.exchange.connection.listener

    @property
    def local_address(self) -> tuple[str, int]:
        """(host, port) the client reached this broker by."""
        return self.exchange.connection.local

    @property
    def client_host(self) -> str:
        """The address that the client came from."""
        return self.exchange.connection.peer[0]

    async def ask_controller(self, request: Message) -> Message:
        """Have the active controller decide a client's request."""
        return await self.services.controller.handle(
            request, self.version, self.client_id, self.client_host
        )


class RequestContext(NodeContext):
    """A request to the broker."""

    __slots__ = ()

    services: Services


class ControllerContext(NodeContext):
    """A request to the controller."""

    __slots__ = ()

    services: ControllerServices
