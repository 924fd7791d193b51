"""How far the replicas of the metadata log have got, and what that commits.

An offset is committed once a majority of the *voters* holds everything below it on disk. A leader
counts only entries of its own epoch: an older entry that a majority holds may still be overwritten
by a leader that has not seen it (Raft §5.4.2), and is committed with the first entry of this epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from minikafka.raft.voters import ReplicaKey, VoterSet

UNKNOWN_OFFSET = -1
UNKNOWN_MS = -1


def majority_offset(end_offsets: Mapping[int, int], voters: VoterSet) -> int:
    """The largest offset that a majority of the voters has reached, UNKNOWN_OFFSET if none.

    `end_offsets` maps node id to durable log end; voters that are missing have reached nothing, and
    nodes that do not vote count for nothing.
    """
    reached = sorted(
        (end_offsets.get(node_id, UNKNOWN_OFFSET) for node_id in voters.ids), reverse=True
    )
    return reached[voters.majority - 1] if reached else UNKNOWN_OFFSET


class ReplicaProgress:
    """What the leader knows of one replica: its durable log end, and when it was heard of.

    `caught_up_ms`: when it last had all that the leader had at its fetch before.
    """

    __slots__ = ("_leader_end_at_fetch", "caught_up_ms", "end_offset", "fetched_ms")

    def __init__(self) -> None:
        self.end_offset = UNKNOWN_OFFSET
        self.fetched_ms = UNKNOWN_MS
        self.caught_up_ms = UNKNOWN_MS
        self._leader_end_at_fetch = UNKNOWN_OFFSET

    def heard(self, now_ms: int) -> None:
        """It lives, and has told nothing about its log."""
        self.fetched_ms = now_ms

    def fetched(self, end_offset: int, leader_end_offset: int, now_ms: int) -> None:
        """It asks for what follows `end_offset`, so it has everything below."""
        if end_offset >= leader_end_offset:
            self.caught_up_ms = now_ms
        elif 0 <= self._leader_end_at_fetch <= end_offset:
            self.caught_up_ms = self.fetched_ms
        self._leader_end_at_fetch = leader_end_offset
        self.fetched_ms = now_ms
        self.end_offset = max(self.end_offset, end_offset)


class Progress:
    """A leader's view of its replicas, voters and observers, and the high watermark they make.

    `epoch_start_offset` is the offset of the leader's own first entry (LeaderChange). The high
    watermark is exclusive, never goes back, and is UNKNOWN_OFFSET until it has passed that entry.
    """

    __slots__ = ("_replicas", "began_ms", "epoch_start_offset", "high_watermark")

    def __init__(self, epoch_start_offset: int, now_ms: int = 0) -> None:
        self.epoch_start_offset = epoch_start_offset
        self.began_ms = now_ms
        self.high_watermark = UNKNOWN_OFFSET
        self._replicas: dict[ReplicaKey, ReplicaProgress] = {}

    def of(self, key: ReplicaKey) -> ReplicaProgress:
        """What is known of a replica; nothing at first."""
        found = self._replicas.get(key)
        if found is None:
            found = self._replicas[key] = ReplicaProgress()
        return found

    def __iter__(self) -> Iterator[tuple[ReplicaKey, ReplicaProgress]]:
        return iter(self._replicas.items())

    def forget(self, key: ReplicaKey) -> None:
        """An observer that has not been heard of for long."""
        self._replicas.pop(key, None)

    def end_offsets(self, voters: VoterSet) -> dict[int, int]:
        """Durable log ends of the voters that were heard of."""
        return {
            node_id: replica.end_offset
            for (node_id, directory_id), replica in self._replicas.items()
            if voters.is_voter(node_id, directory_id)
        }

    def advance(self, voters: VoterSet) -> bool:
        """Whether the high watermark has moved to where the voters now are."""
        committed = majority_offset(self.end_offsets(voters), voters)
        if committed <= self.epoch_start_offset or committed <= self.high_watermark:
            return False
        self.high_watermark = committed
        return True

    def heard_since(self, since_ms: int, voters: VoterSet, leader_id: int) -> bool:
        """Whether a majority, the leader included, has fetched since `since_ms`."""
        if self.began_ms >= since_ms:
            return True
        heard = {
            node_id
            for (node_id, directory_id), replica in self._replicas.items()
            if replica.fetched_ms >= since_ms and voters.is_voter(node_id, directory_id)
        }
        if leader_id in voters:
            heard.add(leader_id)
        return len(heard) >= voters.majority

    def majority_lost_at_ms(self, patience_ms: int, voters: VoterSet, leader_id: int) -> int:
        """When `heard_since` turns false unless somebody fetches before."""
        others = sorted(
            (
                max(replica.fetched_ms, self.began_ms)
                for (node_id, directory_id), replica in self._replicas.items()
                if node_id != leader_id and voters.is_voter(node_id, directory_id)
            ),
            reverse=True,
        )
        needed = voters.majority - (1 if leader_id in voters else 0)
        if needed <= 0:
            return 1 << 62
        heard_ms = others[needed - 1] if len(others) >= needed else self.began_ms
        return heard_ms + patience_ms + 1
