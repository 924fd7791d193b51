"""The cluster as a client of one listener sees it: whom it can reach, and what is out of reach.

A broker that does not have the client's listener might as well be dead to that client. Fenced
brokers are not listed, though a partition still names one as its leader until another is elected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from minikafka.api.endpoints import endpoint_for

if TYPE_CHECKING:
    from minikafka.api.context import RequestContext
    from minikafka.api.endpoints import Address
    from minikafka.metadata.image import BrokerImage, PartitionImage

NO_LEADER = -1

# Reserved directory ids (KIP-858): not assigned yet, on a failed disk, and moving.
_UNASSIGNED = UUID(int=0)
_LOST = UUID(int=1)
_MIGRATING = UUID(int=2)


class ListenerView:
    """Reachable brokers, worked out once for a request and asked for each of its partitions."""

    __slots__ = ("_online", "addresses", "brokers")

    def __init__(self, context: RequestContext) -> None:
        self.brokers: dict[int, BrokerImage] = context.services.image.brokers
        # Registered brokers with this listener, fenced ones included, in the order of their ids.
        self.addresses: dict[int, Address] = {}
        for broker_id in sorted(self.brokers):
            address = endpoint_for(context, self.brokers[broker_id])
            if address is not None:
                self.addresses[broker_id] = address
        self._online = {
            broker_id for broker_id in self.addresses if not self.brokers[broker_id].fenced
        }

    def listed(self, *, include_fenced: bool = False) -> list[tuple[BrokerImage, Address]]:
        """The brokers that clients are told, by id."""
        return [
            (self.brokers[broker_id], address)
            for broker_id, address in self.addresses.items()
            if include_fenced or broker_id in self._online
        ]

    def leader(self, partition: PartitionImage) -> int:
        """The partition's leader if the client can reach it, else -1."""
        return partition.leader if partition.leader in self.addresses else NO_LEADER

    def offline_replicas(self, partition: PartitionImage) -> list[int]:
        """Replicas on a fenced or unreachable broker, or in a directory that has failed."""
        return [
            broker_id
            for position, broker_id in enumerate(partition.replicas)
            if broker_id not in self._online or not self._directory_is_online(partition, position)
        ]

    def _directory_is_online(self, partition: PartitionImage, position: int) -> bool:
        if not partition.directories:
            return True
        directory = partition.directories[position]
        if directory in (_UNASSIGNED, _MIGRATING):
            return True
        if directory == _LOST:
            return False
        online = self.brokers[partition.replicas[position]].log_dirs
        return not online or directory in online


def alive_controller_id(context: RequestContext) -> int:
    """Any unfenced broker, -1 if there is none.

    Brokers forward what only the active controller may decide, so KRaft names one at random and
    spreads the administrators' requests.
    """
    services = context.services
    alive = [broker.broker_id for broker in services.image.brokers.values() if not broker.fenced]
    if not alive:
        return -1
    return sorted(alive)[int(services.random.random() * len(alive))]
