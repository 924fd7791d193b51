"""A member of a classic group."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from minikafka.coordinators.decision import Waiter

Protocols = list[tuple[str, bytes]]
"""(name, metadata) of each protocol that a member supports, the preferred one first."""


class Client(NamedTuple):
    """Who sent a request, and in which version of its API."""

    client_id: str
    host: str
    version: int


class Member:
    """One consumer as the coordinator knows it.

    `join_waiter` and `sync_waiter` are its parked JoinGroup and SyncGroup. A static member
    (KIP-345) has an `instance_id` that outlives its member id. `is_new` until its first generation
    begins: it has no member id yet with which it could send heartbeats.
    """

    __slots__ = (
        "assignment",
        "client_host",
        "client_id",
        "instance_id",
        "is_new",
        "join_waiter",
        "member_id",
        "protocols",
        "rebalance_timeout_ms",
        "session_timeout_ms",
        "sync_waiter",
    )

    def __init__(
        self,
        member_id: str,
        *,
        instance_id: str | None,
        client_id: str,
        client_host: str,
        rebalance_timeout_ms: int,
        session_timeout_ms: int,
        protocols: Protocols,
        assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.instance_id = instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.session_timeout_ms = session_timeout_ms
        self.protocols = protocols
        self.assignment = assignment
        self.is_new = False
        self.join_waiter: Waiter | None = None
        self.sync_waiter: Waiter | None = None

    def metadata(self, protocol: str | None) -> bytes:
        """What the member said for `protocol`; empty when it does not support it."""
        for name, metadata in self.protocols:
            if name == protocol:
                return metadata
        return b""

    def vote(self, candidates: Collection[str]) -> str:
        """The candidate that this member likes best; it supports them all."""
        return next(name for name, _ in self.protocols if name in candidates)
