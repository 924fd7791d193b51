"""What a follower names in its requests, and where it cuts its log."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.log.making import NOW_MS, batch, open_log

from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.codec import encode
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse
from minikafka.replication.leader_session import (
    Followed,
    LeaderSession,
    request_from,
    truncation_offset,
)
from minikafka.replication.partition import Partition
from minikafka.replication.usual_fetch import decode_usual

TOPIC_ID = uuid.UUID(int=5 << 90)


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[list[Followed]]:
    """Two partitions that broker 2 leads."""
    made = []
    for index in range(2):
        partition = Partition(1, "orders", TOPIC_ID, index, open_log(tmp_path / str(index)))
        partition.apply(PartitionImage(replicas=[1, 2], isr=[1, 2], leader=2, leader_epoch=4))
        made.append(Followed(partition))
    yield made
    for each in made:
        each.partition.log.close(clean=False)  # type: ignore[attr-defined]  # a real log


def ask(session: LeaderSession) -> FetchRequest:
    request = request_from(1, 9)
    session.fill(request, 1000)
    return request


def named(request: FetchRequest) -> list[tuple[int, int, int]]:
    return [
        (wanted.partition, wanted.fetch_offset, wanted.last_fetched_epoch)
        for topic in request.topics
        for wanted in topic.partitions
    ]


def fill(followed: Followed, count: int, epoch: int) -> None:
    log = followed.partition.log
    made = batch(count, base_offset=log.log_end_offset, leader_epoch=epoch)
    log.append_replicated(made, NOW_MS)  # type: ignore[attr-defined]  # a real log


def test_only_what_has_changed_is_named(followed: list[Followed]) -> None:
    session = LeaderSession()
    for each in followed:
        session.put(each)
    first = ask(session)
    assert (first.session_id, first.session_epoch) == (0, 0)
    assert named(first) == [(0, 0, -1), (1, 0, -1)]
    session.answered(FetchResponse(session_id=7, responses=[]))
    second = ask(session)
    assert (second.session_id, second.session_epoch, second.topics) == (7, 1, [])
    session.answered(FetchResponse(session_id=7, responses=[]))
    fill(followed[1], 3, 4)
    session.put(followed[1])
    third = ask(session)
    assert (third.session_epoch, named(third)) == (2, [(1, 3, 4)])
    assert third.forgotten_topics_data == []


def test_what_is_dropped_is_forgotten_once(followed: list[Followed]) -> None:
    session = LeaderSession()
    for each in followed:
        session.put(each)
    ask(session)
    session.answered(FetchResponse(session_id=7, responses=[]))
    session.drop(followed[0].key)
    gone = ask(session)
    assert [(t.topic_id, t.partitions) for t in gone.forgotten_topics_data] == [(TOPIC_ID, [0])]
    session.answered(FetchResponse(session_id=7, responses=[]))
    assert ask(session).forgotten_topics_data == []
    session.drop(followed[1].key)
    session.put(followed[1])
    back = ask(session)
    assert (named(back), back.forgotten_topics_data) == ([(1, 0, -1)], [])


@pytest.mark.parametrize(
    "answer",
    [
        FetchResponse(error_code=int(ErrorCode.FETCH_SESSION_ID_NOT_FOUND), responses=[]),
        FetchResponse(session_id=0, responses=[]),
    ],
)
def test_without_a_session_everything_is_named(
    followed: list[Followed], answer: FetchResponse
) -> None:
    session = LeaderSession()
    for each in followed:
        session.put(each)
    ask(session)
    session.answered(FetchResponse(session_id=7, responses=[]))
    ask(session)
    session.answered(answer)
    anew = ask(session)
    assert (anew.session_id, anew.session_epoch, len(named(anew))) == (0, 0, 2)


def test_where_a_log_is_cut(followed: list[Followed]) -> None:
    """Epoch 1 holds 0-3, epoch 3 holds 4-9."""
    fill(followed[0], 4, 1)
    fill(followed[0], 6, 3)
    partition = followed[0].partition
    for epoch, end_offset, expected in (
        (3, 7, 7),  # the leader has less of our last epoch
        (3, 99, 10),
        (1, 2, 2),
        (1, 6, 4),  # it has more of epoch 1, but what we have there ends at 4
        (2, 9, 4),  # an epoch that we never had: ask again from the end of ours below
        (0, 0, 0),
        (9, 8, 8),  # newer than all of ours
    ):
        assert truncation_offset(partition, epoch, end_offset) == expected, (epoch, end_offset)


def test_pauses_double_up_to_the_limit(followed: list[Followed]) -> None:
    one = followed[0]
    pauses = []
    for _ in range(8):
        one.pause(0, 20, 1000)
        pauses.append(one.resume_ms)
    assert pauses == [20, 40, 80, 160, 320, 640, 1000, 1000]


def test_a_move_of_one_partition_is_encoded_in_place(followed: list[Followed]) -> None:
    """Exactly as the general way would, and only then."""
    general, session = LeaderSession(), LeaderSession()
    for sessions_of_one_leader in (general, session):
        for each in followed:
            sessions_of_one_leader.put(each)
        assert sessions_of_one_leader.usual(request_from(1, 9), 1000) is None
        ask(sessions_of_one_leader)
        sessions_of_one_leader.answered(FetchResponse(session_id=77, responses=[]))
        # Nothing has changed.
        assert sessions_of_one_leader.usual(request_from(1, 9), 1000) is None
    for number in range(3):
        fill(followed[1], 2, epoch=4)
        general.put(followed[1])
        session.put(followed[1])
        request = request_from(1, 9)
        request.max_wait_ms, request.min_bytes, request.max_bytes = 500, 1, 10_000
        usual = session.usual(request, 1000)
        assert usual is not None
        assert (usual.fetch_offset, usual.session_epoch) == (2 * number + 2, number + 1)
        general.fill(request, 1000)
        for version in range(15, 19):
            body = encode(request, version)
            assert usual.encode() == body
            assert decode_usual(memoryview(b"head" + body), 4) == usual
        assert decode_usual(memoryview(body + b"\0"), 0) is None
        for sessions_of_one_leader in (general, session):
            sessions_of_one_leader.answered(FetchResponse(session_id=77, responses=[]))
    session.drop(followed[0].key)
    session.put(followed[1])
    assert session.usual(request_from(1, 9), 1000) is None
    assert named(ask(session)) == [(1, 6, 4)]
