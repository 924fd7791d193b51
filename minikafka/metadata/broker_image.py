"""The nodes of the cluster: registered brokers and controllers, and where they listen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


class Endpoint:
    """Where a broker or controller listens; `security_protocol` is 0 for PLAINTEXT."""

    __slots__ = ("host", "name", "port", "security_protocol")

    def __init__(self, name: str, host: str, port: int, security_protocol: int = 0) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.security_protocol = security_protocol

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Endpoint) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Endpoint({self.name}://{self.host}:{self.port})"

    def _key(self) -> tuple[str, str, int, int]:
        return (self.name, self.host, self.port, self.security_protocol)


class BrokerImage:
    """A registered broker. `epoch` is the offset of its RegisterBroker record.

    `features` maps name to (lowest, highest) supported level. A fenced broker leads nothing and
    is not shown to clients. `cordoned_log_dirs` is None until the broker has said (KIP-1066).
    """

    __slots__ = (
        "broker_id",
        "cordoned_log_dirs",
        "endpoints",
        "epoch",
        "features",
        "fenced",
        "in_controlled_shutdown",
        "incarnation_id",
        "log_dirs",
        "rack",
    )

    def __init__(
        self,
        broker_id: int,
        epoch: int,
        incarnation_id: UUID,
        endpoints: list[Endpoint],
        features: dict[str, tuple[int, int]],
        rack: str | None,
        fenced: bool,
        in_controlled_shutdown: bool,
        log_dirs: list[UUID],
        cordoned_log_dirs: list[UUID] | None = None,
    ) -> None:
        self.broker_id = broker_id
        self.epoch = epoch
        self.incarnation_id = incarnation_id
        self.endpoints = endpoints
        self.features = features
        self.rack = rack
        self.fenced = fenced
        self.in_controlled_shutdown = in_controlled_shutdown
        self.log_dirs = log_dirs
        self.cordoned_log_dirs = cordoned_log_dirs

    def __repr__(self) -> str:
        return f"BrokerImage({self.broker_id} epoch {self.epoch} fenced {self.fenced})"

    def copy(self) -> BrokerImage:
        """A change of a registration is made in place, but gives it lists of its own."""
        return BrokerImage(**{name: getattr(self, name) for name in self.__slots__})

    @property
    def is_active(self) -> bool:
        """May lead partitions and join an ISR."""
        return not self.fenced and not self.in_controlled_shutdown

    def endpoint(self, listener_name: str) -> Endpoint | None:
        for endpoint in self.endpoints:
            if endpoint.name == listener_name:
                return endpoint
        return None


class ControllerImage:
    """A registered controller: where it listens and what it supports (KIP-919)."""

    __slots__ = ("controller_id", "endpoints", "features", "incarnation_id", "zk_migration_ready")

    def __init__(
        self,
        controller_id: int,
        incarnation_id: UUID,
        endpoints: list[Endpoint],
        features: dict[str, tuple[int, int]],
        zk_migration_ready: bool = False,
    ) -> None:
        self.controller_id = controller_id
        self.incarnation_id = incarnation_id
        self.endpoints = endpoints
        self.features = features
        self.zk_migration_ready = zk_migration_ready
