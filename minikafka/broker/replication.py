"""What a broker does for its replicas from its registration on: fetch from their leaders where it
follows, propose who is in sync where it leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.replication.surroundings import Surroundings

if TYPE_CHECKING:
    from minikafka.api.context import Services
    from minikafka.broker.lifecycle import BrokerLifecycle
    from minikafka.replication.replicas import ReplicaManager
    from minikafka.settings.broker import BrokerSettings


def reconfigure_replication(replicas: ReplicaManager, settings: BrokerSettings) -> None:
    """Take what may change of the broker's settings while it runs: throttles, fetchers."""
    replicas.leading.reconfigure(settings)
    replicas.following.reconfigure(settings)


def start_replication(services: Services, lifecycle: BrokerLifecycle) -> None:
    """Start both; they end with the scope of the services."""
    replicas = services.replicas
    replicas.leading.start(
        services.controller, lambda: lifecycle.broker_epoch, services.scope, services.random
    )
    replicas.following.start(
        Surroundings(
            settings=services.settings,
            image=services.image,
            logs=replicas,
            purgatory=services.purgatory,
            quota=replicas.following.quota,
            wall_clock=services.wall_clock,
            broker_epoch=lambda: lifecycle.broker_epoch,
            scope=services.scope,
            random=services.random,
        )
    )
