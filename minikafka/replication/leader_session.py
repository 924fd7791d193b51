"""What a follower asks of one leader: its partitions there, and the fetch session they are in.

A request names only what has changed since the one before it (KIP-227): a new end of the log, which
is also the acknowledgement of what lies before it, a partition that has come, one that has gone.
And the offset to which a follower cuts its log when that is not a part of the leader's (KIP-101,
KIP-595); the cutting itself is `cutting`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ForgottenTopic,
    ReplicaState,
)
from minikafka.replication.usual_fetch import UsualFetch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.protocol.messages.fetch import FetchResponse
    from minikafka.replication.partition import Partition

Key = tuple[UUID, int]
"""Topic id and partition index."""

_NO_SESSION = 0
_FULL = 0  # the epoch of a request that asks for a new session
_EPOCH_MAX = 2**31 - 1


class Position(NamedTuple):
    """Where a partition is to be fetched from, and what the leader must know to agree."""

    leader_epoch: int
    fetch_offset: int
    last_fetched_epoch: int
    log_start_offset: int


class Followed:
    """One partition that is fetched from its leader; `asked` is the position of the last request.

    It pauses until `resume_ms` (loop time) after an error, longer after each one in a row.
    """

    __slots__ = (
        "asked",
        "failures",
        "is_checked",
        "is_in_sync",
        "is_left",
        "key",
        "leader_epoch",
        "partition",
        "resume_ms",
    )

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.key: Key = (partition.topic_id, partition.index)
        self.leader_epoch = partition.leader_epoch
        self.asked: Position | None = None
        # Whether what lies here uncommitted and without an epoch has been cut off.
        self.is_checked = False
        # Whether its last answer left nothing behind below the leader's high watermark.
        self.is_in_sync = False
        # Whether it is fetched no more, or by somebody else.
        self.is_left = False
        self.failures = 0
        self.resume_ms = 0

    def __repr__(self) -> str:
        return f"<Followed {self.partition.topic}-{self.partition.index}>"

    @property
    def is_wanted(self) -> bool:
        """Whether it is still to be fetched: it is a follower in the epoch that this is about."""
        partition = self.partition
        return (
            not self.is_left
            and not partition.retired
            and not partition.is_leader
            and partition.leader_epoch == self.leader_epoch
        )

    def position(self) -> Position:
        """Where its log ends now."""
        log = self.partition.log
        return Position(
            self.leader_epoch, log.log_end_offset, log.latest_epoch, log.log_start_offset
        )

    def pause(self, now_ms: int, first_ms: int, longest_ms: int) -> None:
        """Leave it alone for a while, which doubles with every failure in a row."""
        self.resume_ms = now_ms + min(longest_ms, first_ms << min(self.failures, 20))
        self.failures += 1


class LeaderSession:
    """The fetch session with one leader, as its follower keeps it; `followed` are its partitions.

    Only partitions that have been `put` since the last request are looked at for the next one.
    """

    __slots__ = ("_changed", "_epoch", "_session_id", "_told", "followed")

    def __init__(self) -> None:
        self.followed: dict[Key, Followed] = {}
        self._changed: dict[Key, Followed] = {}
        # What the leader's session holds: true while it is to be fetched, false when forgotten.
        self._told: dict[Key, bool] = {}
        self._session_id = _NO_SESSION
        self._epoch = _FULL

    def put(self, followed: Followed) -> None:
        """Fetch a partition from where its log ends now."""
        self.followed[followed.key] = self._changed[followed.key] = followed

    def drop(self, key: Key) -> None:
        """Fetch a partition no more."""
        self.followed.pop(key, None)
        self._changed.pop(key, None)
        if key in self._told:
            self._told[key] = False

    def reset(self) -> None:
        """The connection or the session is lost: the next request names everything."""
        self._told = {}
        self._session_id = _NO_SESSION
        self._epoch = _FULL

    def fill(self, request: FetchRequest, max_bytes: int) -> None:
        """Name in `request` what has changed since the last one; it must be sent."""
        request.session_id = self._session_id
        request.session_epoch = self._epoch
        wanted = self.followed if self._epoch == _FULL else self._changed
        topics: dict[UUID, FetchTopic] = {}
        for key, followed in wanted.items():
            self._told[key] = True
            position = followed.asked = followed.position()
            topic = topics.get(key[0])
            if topic is None:
                topic = topics[key[0]] = FetchTopic(topic_id=key[0], partitions=[])
            topic.partitions.append(
                FetchPartition(
                    partition=key[1],
                    current_leader_epoch=position.leader_epoch,
                    fetch_offset=position.fetch_offset,
                    last_fetched_epoch=position.last_fetched_epoch,
                    log_start_offset=position.log_start_offset,
                    partition_max_bytes=max_bytes,
                )
            )
        request.topics = list(topics.values())
        self._changed.clear()
        if len(self._told) > len(self.followed):
            gone = [key for key, is_wanted in self._told.items() if not is_wanted]
            for key in gone:
                del self._told[key]
            request.forgotten_topics_data = _grouped(gone)

    def usual(self, request: FetchRequest, max_bytes: int) -> UsualFetch | None:
        """What `fill` would name, if that is a move of one partition in an open session; it must
        be sent. Else None, and nothing has happened.
        """
        changed, state = self._changed, request.replica_state
        if self._epoch == _FULL or len(changed) != 1 or len(self._told) != len(self.followed):
            return None
        (followed,) = changed.values()
        if not self._told.get(followed.key) or state is None:
            return None
        changed.clear()
        position = followed.asked = followed.position()
        return UsualFetch(
            request.max_wait_ms,
            request.min_bytes,
            request.max_bytes,
            self._session_id,
            self._epoch,
            followed.key[0].bytes,
            followed.key[1],
            position.leader_epoch,
            position.fetch_offset,
            position.last_fetched_epoch,
            position.log_start_offset,
            max_bytes,
            state.replica_id,
            state.replica_epoch,
        )

    def answered(self, response: FetchResponse) -> None:
        """Take the session's id, and count the answer."""
        if response.error_code or response.session_id == _NO_SESSION:
            # Without a session (the leader has no room for one) every request names everything.
            self.reset()
        else:
            self._session_id = response.session_id
            self._epoch = 1 if self._epoch == _EPOCH_MAX else self._epoch + 1


def _grouped(keys: Iterable[Key]) -> list[ForgottenTopic]:
    topics: dict[UUID, ForgottenTopic] = {}
    for topic_id, index in keys:
        topics.setdefault(topic_id, ForgottenTopic(topic_id=topic_id, partitions=[]))
        topics[topic_id].partitions.append(index)
    return list(topics.values())


def request_from(replica_id: int, broker_epoch: int) -> FetchRequest:
    """A replica's fetch, still without partitions and limits."""
    return FetchRequest(
        replica_state=ReplicaState(replica_id=replica_id, replica_epoch=broker_epoch),
        topics=[],
        forgotten_topics_data=[],
    )


def truncation_offset(partition: Partition, epoch: int, end_offset: int) -> int:
    """Where to cut a log whose leader's `epoch` ended at `end_offset`.

    The two may have different epochs below that: then the cut is at the end of our newest one that
    is not above, and the next fetch asks again from there.
    """
    log = partition.log
    known, own_end = log.end_offset_for_epoch(epoch)
    if known < 0:
        return min(end_offset, log.log_end_offset)
    if known == epoch:
        return min(own_end, end_offset)
    return min(own_end, log.log_end_offset)
