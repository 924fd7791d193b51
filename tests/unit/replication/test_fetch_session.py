"""Fetch sessions (KIP-227): epochs, slots, eviction, dirty sets."""

import random
from uuid import UUID

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.types import ZERO_UUID
from minikafka.replication.fetch_session import (
    IDLE_EVICTION_MS,
    FetchEntry,
    FetchInterest,
    FetchSessionCache,
)

TOPIC_ID = UUID(int=12345)


def entry(index: int, *, topic: str = "orders", offset: int = 0) -> FetchEntry:
    made = FetchEntry(topic, ZERO_UUID, index)
    made.fetch_offset = offset
    made.max_bytes = 1 << 20
    return made


def cache(slots: int = 2) -> FetchSessionCache:
    return FetchSessionCache(slots, random.Random(1))


def test_epochs_count_up_and_wrap_over_the_reserved_ones() -> None:
    sessions = cache()
    session = sessions.create(uses_topic_ids=False, now_ms=0)
    assert session is not None
    assert session.session_id > 0
    for epoch in (1, 2, 3):
        used = sessions.use(session.session_id, epoch, uses_topic_ids=False, now_ms=0)
        assert used is session
    session.epoch = 2**31 - 1
    sessions.use(session.session_id, 2**31 - 1, uses_topic_ids=False, now_ms=0)
    assert session.epoch == 1


@pytest.mark.parametrize(
    ("epoch", "uses_topic_ids", "code"),
    [
        (2, False, ErrorCode.INVALID_FETCH_SESSION_EPOCH),
        (1, True, ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR),
    ],
)
def test_a_wrong_epoch_or_a_mix_of_names_and_ids_is_refused(
    epoch: int, uses_topic_ids: bool, code: ErrorCode
) -> None:
    sessions = cache()
    session = sessions.create(uses_topic_ids=False, now_ms=0)
    assert session is not None
    with pytest.raises(KafkaError) as refused:
        sessions.use(session.session_id, epoch, uses_topic_ids=uses_topic_ids, now_ms=0)
    assert refused.value.code == code
    # The session itself stays as it was.
    sessions.use(session.session_id, 1, uses_topic_ids=False, now_ms=0)


def test_an_unknown_session_is_refused() -> None:
    with pytest.raises(KafkaError) as refused:
        cache().use(77, 1, uses_topic_ids=False, now_ms=0)
    assert refused.value.code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_a_full_cache_evicts_only_the_idle_or_for_a_follower() -> None:
    sessions = cache(slots=1)
    first = sessions.create(uses_topic_ids=True, now_ms=0)
    assert first is not None
    assert sessions.create(uses_topic_ids=True, now_ms=1000) is None
    follower = sessions.create(replica_id=2, uses_topic_ids=True, now_ms=1000)
    assert follower is not None
    assert list(sessions) == [follower]
    assert sessions.create(replica_id=2, uses_topic_ids=True, now_ms=2000) is None
    later = 1000 + IDLE_EVICTION_MS + 1
    assert sessions.create(uses_topic_ids=True, now_ms=later) is not None
    assert len(sessions) == 1


def test_the_key_is_the_topic_id_where_there_is_one() -> None:
    assert FetchEntry("", TOPIC_ID, 3).key == (TOPIC_ID.int, 3)
    assert FetchEntry("orders", ZERO_UUID, 3).key == ("orders", 3)


def test_a_new_position_makes_a_known_partition_dirty_again() -> None:
    interest = FetchInterest()
    interest.add(entry(0))
    interest.add(entry(1))
    interest.dirty.clear()
    interest.add(entry(1, offset=42))
    assert list(interest.dirty) == [("orders", 1)]
    assert interest.entries["orders", 1].fetch_offset == 42
    assert len(interest.entries) == 2


def test_partitions_with_data_go_behind_the_others() -> None:
    interest = FetchInterest()
    for index in range(3):
        interest.add(entry(index))
    interest.to_end(interest.entries["orders", 0])
    assert [key[1] for key in interest.entries] == [1, 2, 0]  # type: ignore[index]
    assert [key[1] for key in interest.dirty] == [1, 2, 0]  # type: ignore[index]


def test_a_forgotten_partition_is_neither_listed_nor_dirty() -> None:
    interest = FetchInterest()
    interest.add(entry(0))
    interest.forget(("orders", 0))
    interest.forget(("orders", 7))
    assert not interest.entries
    assert not interest.dirty
