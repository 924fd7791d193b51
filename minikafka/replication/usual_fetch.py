"""The usual Fetch of a follower on the wire: an open session, in which one partition has moved.

Both sides make and read it in place, as it looks from version 15 on: a partition that is written to
is fetched like this thousands of times a second.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

FIRST_VERSION = 15
"""From here on the replica names itself at the end."""

# max wait, min bytes, max bytes, isolation, session, its epoch, one topic, its id, one partition,
# index, leader epoch, offset, epoch of the last record, log start, max bytes; `_BETWEEN`; replica,
# its broker epoch, no tags in there
_SHAPE = Struct(">iiibiiB16sBiiqiqi7siqB")
_ONE = 2  # a compact array of one element
# no tags of partition and topic, nothing to forget, no rack, one tag: the replica's, of 13 bytes
_BETWEEN = b"\0\0\1\1\1\1\x0d"


class UsualFetch(NamedTuple):
    """What such a request says."""

    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    session_id: int
    session_epoch: int
    topic_id: bytes
    partition: int
    leader_epoch: int
    fetch_offset: int
    last_fetched_epoch: int
    log_start_offset: int
    partition_max_bytes: int
    replica_id: int
    broker_epoch: int

    def encode(self) -> bytes:
        """The body of the request."""
        wait, least, most, session_id, session_epoch, topic_id, *position, replica, epoch = self
        session = (0, session_id, session_epoch, _ONE, topic_id, _ONE)
        return _SHAPE.pack(wait, least, most, *session, *position, _BETWEEN, replica, epoch, 0)


def decode_usual(frame: memoryview, position: int) -> UsualFetch | None:
    """The request whose body begins at `position` of `frame`, None if it has another shape."""
    if len(frame) - position != _SHAPE.size:
        return None
    wait, least, most, _, session_id, session_epoch, topics, topic_id, partitions, *rest = (
        _SHAPE.unpack_from(frame, position)
    )
    *asked, between, replica_id, broker_epoch, tags = rest
    if topics != _ONE or partitions != _ONE or between != _BETWEEN or tags:
        return None
    partition, leader_epoch, offset, last_epoch, log_start, limit = asked
    return UsualFetch(
        wait,
        least,
        most,
        session_id,
        session_epoch,
        topic_id,
        partition,
        leader_epoch,
        offset,
        last_epoch,
        log_start,
        limit,
        replica_id,
        broker_epoch,
    )
