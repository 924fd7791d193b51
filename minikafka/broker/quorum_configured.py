"""Whom the settings name: the voters of a static quorum, and where a node of a dynamic one asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.raft.voters import Voter, VoterSet

if TYPE_CHECKING:
    from minikafka.settings.broker import BrokerSettings


def configured_voters(settings: BrokerSettings) -> VoterSet:
    """`controller.quorum.voters`; a voter that takes a free port (0) is not yet found anywhere."""
    name = next(iter(settings.controller_listener_names), "")
    return VoterSet(
        Voter(voter.id, endpoints=[(name, voter.host, voter.port)] if voter.port else ())
        for voter in settings.controller_quorum_voters
    )


def bootstrap_addresses(settings: BrokerSettings) -> list[tuple[str, int]]:
    """(host, port) of each of `controller.quorum.bootstrap.servers`."""
    addresses = []
    for server in settings.controller_quorum_bootstrap_servers:
        host, _, port = server.rpartition(":")
        addresses.append((host.strip("[]"), int(port)))
    return addresses
