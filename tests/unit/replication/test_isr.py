"""Who is in sync by the rules alone: followers by their fetches, proposals by their answers."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from unit.log.making import NOW_MS, batch, open_log

from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.alter_partition import AlterPartitionResponsePartitionData
from minikafka.records.batch import read_header
from minikafka.replication.followers import NEVER_MS, Follower
from minikafka.replication.isr import (
    Outcome,
    look_for_joining,
    outcome_of,
    propose_expansion,
    propose_shrinking,
    take_answer,
    to_request,
)
from minikafka.replication.partition import Partition

LAG_MS = 1000


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[Partition]:
    """Broker 1 leads 2 and 3, all in sync since 0 ms."""
    log = open_log(tmp_path / "log")
    partition = Partition(1, "orders", uuid.UUID(int=5 << 90), 0, log)
    partition.apply(image(), 0)
    yield partition
    log.close(clean=False)


def image(**fields: Any) -> PartitionImage:
    defaults: dict[str, Any] = {"replicas": [1, 2, 3], "isr": [1, 2, 3], "leader": 1}
    return PartitionImage(**(defaults | {"leader_epoch": 4, "partition_epoch": 10} | fields))


def append(partition: Partition, count: int = 1) -> None:
    records = batch(count)
    partition.append(records, read_header(records), acks=1, wall_ms=NOW_MS)


def answer(isr: list[int], partition_epoch: int, leader_epoch: int = 4) -> Any:
    return AlterPartitionResponsePartitionData(
        leader_id=1, leader_epoch=leader_epoch, isr=isr, partition_epoch=partition_epoch
    )


def test_at_the_end_it_has_caught_up_now() -> None:
    follower = Follower(2, NEVER_MS)
    follower.fetched(5, 5, 100)
    assert follower.caught_up_ms == 100
    follower.fetched(6, 9, 200)  # the end when it fetched before was 5
    assert follower.caught_up_ms == 100
    follower.fetched(9, 12, 300)  # 9 was the end at 200
    assert follower.caught_up_ms == 200
    follower.fetched(10, 14, 400)
    assert follower.caught_up_ms == 200
    assert follower.keeps_up(14, 1200, LAG_MS)
    assert not follower.keeps_up(14, 1201, LAG_MS)
    assert follower.keeps_up(10, 9999, LAG_MS)


def test_who_lags_is_proposed_to_leave(leader: Partition) -> None:
    append(leader)
    leader.follower_fetched(2, 1, 900)
    assert propose_shrinking(leader, LAG_MS, LAG_MS) is None
    proposal = propose_shrinking(leader, LAG_MS + 1, LAG_MS)
    assert proposal is not None
    assert proposal.isr == {1, 2}
    assert leader.isr == leader.maximal_isr == {1, 2, 3}
    assert propose_shrinking(leader, 9999, LAG_MS) is None, "one proposal at a time"
    assert leader.high_watermark == 0
    assert take_answer(proposal, answer([1, 2], 11))
    assert (leader.isr, leader.pending_isr, leader.partition_epoch) == ({1, 2}, None, 11)
    assert leader.high_watermark == 1


def test_who_has_caught_up_is_proposed_to_join(leader: Partition) -> None:
    leader.apply(image(isr=[1, 2], partition_epoch=11), 0)
    append(leader, 2)
    leader.follower_fetched(2, 2, 5)
    leader.follower_fetched(3, 1, 6, broker_epoch=33)
    assert leader.high_watermark == 2
    assert propose_expansion(leader, 6, LAG_MS) is None
    leader.follower_fetched(3, 2, 7, broker_epoch=33)
    leader.is_eligible = lambda broker_id, epoch: False
    assert propose_expansion(leader, 7, LAG_MS) is None
    leader.is_eligible = lambda broker_id, epoch: (broker_id, epoch) == (3, 33)
    proposal = propose_expansion(leader, 7, LAG_MS)
    assert proposal is not None
    wanted = to_request(proposal, 77)
    assert [(m.broker_id, m.broker_epoch) for m in wanted.new_isr_with_epochs] == [
        (1, 77),
        (2, -1),
        (3, 33),
    ]
    assert (wanted.leader_epoch, wanted.partition_epoch) == (4, 11)
    assert leader.maximal_isr == {1, 2, 3}
    append(leader)
    leader.follower_fetched(2, 3, 8)
    assert leader.high_watermark == 2, "it counts before the controller has answered"
    leader.withdraw()
    assert leader.advance_high_watermark()


def test_who_has_been_dropped_joins_when_it_fetches_again(leader: Partition) -> None:
    """Two of three stand still: dropping one of them does not move the high watermark."""
    leader.follower_fetched(2, 0, 100)
    leader.follower_fetched(3, 0, 0)
    append(leader)
    dropped_ms = LAG_MS + 1
    proposal = propose_shrinking(leader, dropped_ms, LAG_MS)
    assert proposal is not None
    take_answer(proposal, answer([1, 2], 11))
    assert (leader.isr, leader.high_watermark) == ({1, 2}, 0)
    assert propose_expansion(leader, dropped_ms, LAG_MS) is None
    leader.follower_fetched(3, 0, 2 * LAG_MS)
    assert propose_expansion(leader, 2 * LAG_MS, LAG_MS) is not None


def test_nobody_joins_before_the_start_of_the_epoch(leader: Partition) -> None:
    append(leader, 5)
    leader.apply(image(isr=[1], leader_epoch=5, partition_epoch=11), 0)
    assert leader.epoch_start_offset == 5
    leader.high_watermark = 2
    leader.follower_fetched(2, 4, 7)
    assert propose_expansion(leader, 7, LAG_MS) is None
    leader.follower_fetched(2, 5, 7)
    assert propose_expansion(leader, 7, LAG_MS) is not None


def test_the_high_watermark_waits_for_who_is_about_to_join(leader: Partition) -> None:
    leader.apply(image(isr=[1], partition_epoch=11), 0)
    append(leader)
    assert leader.high_watermark == 1
    leader.follower_fetched(2, 1, 10)
    assert not look_for_joining(leader, 10, LAG_MS)
    assert leader.joining == {2}
    append(leader)
    assert leader.high_watermark == 1
    assert look_for_joining(leader, 10 + LAG_MS + 1, LAG_MS), "it has not come"
    assert leader.high_watermark == 2


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (ErrorCode.NONE, Outcome.TAKEN),
        (ErrorCode.OPERATION_NOT_ATTEMPTED, Outcome.WITHDRAWN),
        (ErrorCode.INELIGIBLE_REPLICA, Outcome.WITHDRAWN),
        (ErrorCode.INVALID_UPDATE_VERSION, Outcome.OVERTAKEN),
        (ErrorCode.FENCED_LEADER_EPOCH, Outcome.OVERTAKEN),
        (ErrorCode.NEW_LEADER_ELECTED, Outcome.OVERTAKEN),
        (ErrorCode.UNKNOWN_TOPIC_ID, Outcome.OVERTAKEN),
        (ErrorCode.UNKNOWN_SERVER_ERROR, Outcome.RETRY),
        (ErrorCode.REQUEST_TIMED_OUT, Outcome.RETRY),
    ],
)
def test_what_errors_mean(code: ErrorCode, outcome: Outcome) -> None:
    assert outcome_of(code) is outcome


def test_metadata_and_answers_may_come_in_either_order(leader: Partition) -> None:
    append(leader)
    leader.follower_fetched(2, 1, 900)
    proposal = propose_shrinking(leader, 5000, LAG_MS)
    assert proposal is not None
    leader.apply(image(isr=[1, 2], partition_epoch=11), 5000)
    assert leader.pending_isr is None
    assert not proposal.is_current
    leader.apply(image(isr=[1], partition_epoch=12), 5000)
    take_answer(proposal, answer([1, 2], 11))
    assert (leader.isr, leader.partition_epoch) == ({1}, 12)
    # The answer first, then the same as metadata, then something older.
    leader.apply(image(isr=[1, 2], partition_epoch=13), 5000)
    leader.follower_fetched(3, 1, 5000)
    again = propose_expansion(leader, 5000, LAG_MS)
    assert again is not None
    assert not take_answer(again, answer([1, 2, 3], 14))
    leader.apply(image(isr=[1, 2], partition_epoch=13), 5000)
    assert leader.isr == {1, 2, 3}
    leader.apply(image(isr=[1, 2, 3], partition_epoch=14), 5000)
    assert leader.isr == {1, 2, 3}


def test_a_new_epoch_ends_what_was_proposed(leader: Partition) -> None:
    append(leader)
    proposal = propose_shrinking(leader, 5000, LAG_MS)
    assert proposal is not None
    leader.apply(image(leader_epoch=5, partition_epoch=11), 5000)
    assert not proposal.is_current
    assert not take_answer(proposal, answer([1], 12, leader_epoch=4))
    assert leader.isr == {1, 2, 3}
    leader.apply(image(leader=2, leader_epoch=6, partition_epoch=12), 5000)
    assert leader.followers == {}
    assert propose_expansion(leader, 7, LAG_MS) is None
