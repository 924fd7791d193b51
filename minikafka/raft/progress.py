"""How far the replicas of the metadata log have got, and what that commits.

An offset is committed once a majority of the *voters* holds everything below it on disk. A leader
counts only entries of its own epoch: an older entry that a majority holds may still be overwritten
by a leader that has not seen it (Raft §5.4.2), and is committed with the first entry of this epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minikafka.raft.voters import VoterSet

UNKNOWN_OFFSET = -1


def majority_offset(end_offsets: Mapping[int, int], voters: VoterSet) -> int:
    """The largest offset that a majority of the voters has reached, UNKNOWN_OFFSET if none.

    `end_offsets` maps node id to durable log end; voters that are missing have reached nothing, and
    nodes that do not vote count for nothing.
    """
    reached = sorted(
        (end_offsets.get(node_id, UNKNOWN_OFFSET) for node_id in voters.ids), reverse=True
    )
    return reached[voters.majority - 1] if reached else UNKNOWN_OFFSET


class Progress:
    """A leader's view of the durable log ends of its voters, and the high watermark they make.

    `epoch_start_offset` is the offset of the leader's own first entry (LeaderChange). The high
    watermark is exclusive, never goes back, and is UNKNOWN_OFFSET until it has passed that entry.
    """

    __slots__ = ("_end_offsets", "epoch_start_offset", "high_watermark")

    def __init__(self, epoch_start_offset: int) -> None:
        self.epoch_start_offset = epoch_start_offset
        self.high_watermark = UNKNOWN_OFFSET
        self._end_offsets: dict[int, int] = {}

    def reached(self, node_id: int, end_offset: int, voters: VoterSet) -> bool:
        """A replica's log is durable up to `end_offset`; whether the high watermark has moved."""
        if end_offset <= self._end_offsets.get(node_id, UNKNOWN_OFFSET):
            return False
        self._end_offsets[node_id] = end_offset
        committed = majority_offset(self._end_offsets, voters)
        if committed <= self.epoch_start_offset or committed <= self.high_watermark:
            return False
        self.high_watermark = committed
        return True
