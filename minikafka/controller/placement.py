"""Where the replicas of new partitions go.

Aims, in this order: the replicas of a partition on as many racks as there are; leaders even over
the brokers that are up; replicas even over brokers; and not always the same followers behind the
same leader, so that what a dead broker led is spread over many. Brokers and racks take turns from a
random start, so that many small topics do not all begin on the first broker.

A fenced broker may be given a replica (it will come back) where no other is left on its rack, but
never the first one, which leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from minikafka.metadata.image import BrokerImage

ItemT = TypeVar("ItemT")


class _Candidate:
    """A broker with what it has been given so far."""

    __slots__ = ("broker_id", "is_active", "leaders", "rack", "replicas", "turn")

    def __init__(self, broker: BrokerImage, turn: int) -> None:
        self.broker_id = broker.broker_id
        self.is_active = broker.is_active
        self.rack = broker.rack or ""
        self.turn = turn
        self.leaders = 0
        self.replicas = 0


class _Placer:
    """Deals out the partitions of one request."""

    __slots__ = ("_candidates", "_racks", "_together")

    def __init__(self, brokers: list[BrokerImage], random: Random) -> None:
        by_rack: dict[str, list[BrokerImage]] = {}
        for broker in sorted(brokers, key=lambda b: b.broker_id):
            by_rack.setdefault(broker.rack or "", []).append(broker)
        self._racks = _rotated(sorted(by_rack), random)
        # Turns go round the racks first: the first broker of each, then the second of each, …
        rows = [_rotated(by_rack[rack], random) for rack in self._racks]
        dealt = [row[k] for k in range(max(map(len, rows))) for row in rows if k < len(row)]
        self._candidates = [_Candidate(broker, turn) for turn, broker in enumerate(dealt)]
        self._together: dict[tuple[int, int], int] = {}

    def place(self, replication_factor: int) -> list[int]:
        leader = min(
            (c for c in self._candidates if c.is_active),
            key=lambda c: (c.leaders, c.replicas, c.turn),
        )
        leader.leaders += 1
        chosen = [leader]
        at = self._racks.index(leader.rack)
        while len(chosen) < replication_factor:  # ends: there are enough brokers
            at = (at + 1) % len(self._racks)
            follower = self._follower(self._racks[at], leader, chosen)
            if follower is not None:
                chosen.append(follower)
                pair = (leader.broker_id, follower.broker_id)
                self._together[pair] = self._together.get(pair, 0) + 1
        for candidate in chosen:
            candidate.replicas += 1
        return [candidate.broker_id for candidate in chosen]

    def _follower(
        self, rack: str, leader: _Candidate, chosen: list[_Candidate]
    ) -> _Candidate | None:
        count = len(self._candidates)
        return min(
            (c for c in self._candidates if c.rack == rack and c not in chosen),
            key=lambda c: (
                not c.is_active,
                c.replicas,
                self._together.get((leader.broker_id, c.broker_id), 0),
                (c.turn - leader.turn) % count,
            ),
            default=None,
        )


def place_replicas(
    brokers: Mapping[int, BrokerImage], partitions: int, replication_factor: int, random: Random
) -> list[list[int]]:
    """Replica lists of `partitions` new partitions, the one that is to lead first in each.

    KafkaError INVALID_REPLICATION_FACTOR when there are not enough brokers, or none is up.
    """
    assert replication_factor > 0
    usable = [b for b in brokers.values() if not _is_cordoned(b) and not _is_stopping(b)]
    if not any(broker.is_active for broker in usable):
        raise _impossible(
            replication_factor,
            "All brokers are currently fenced, or have all their log directories cordoned.",
        )
    if replication_factor > len(usable):
        raise _impossible(
            replication_factor,
            f"The target replication factor of {replication_factor} cannot be reached because "
            f"only {len(usable)} broker(s) are registered or some brokers have all their log "
            "directories cordoned.",
        )
    placer = _Placer(usable, random)
    return [placer.place(replication_factor) for _ in range(partitions)]


def _rotated(items: list[ItemT], random: Random) -> list[ItemT]:
    # `random()` alone, which every version of Python draws alike.
    start = int(random.random() * len(items))
    return items[start:] + items[:start]


def _is_cordoned(broker: BrokerImage) -> bool:
    """Whether no directory of it takes new replicas (KIP-1066)."""
    cordoned = broker.cordoned_log_dirs or ()
    return bool(cordoned) and set(broker.log_dirs) <= set(cordoned)


def _is_stopping(broker: BrokerImage) -> bool:
    """Whether it is about to leave: it may come back, but nothing new is begun on it."""
    return broker.in_controlled_shutdown and not broker.fenced


def _impossible(replication_factor: int, reason: str) -> KafkaError:
    return KafkaError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        f"Unable to replicate the partition {replication_factor} time(s): {reason}",
    )
