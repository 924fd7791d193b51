"""One partition: who may be served by it, what is committed, what may be read and deleted."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from unit.log.making import NOW_MS, batch, open_log

from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import read_header
from minikafka.replication.partition import Partition

TOPIC_ID = uuid.UUID(int=5 << 90)


def image(**fields: Any) -> PartitionImage:
    """A partition of brokers 1, 2 and 3, in sync and led by 1 in epoch 4, but for `fields`."""
    defaults: dict[str, Any] = {"replicas": [1, 2, 3], "isr": [1, 2, 3]}
    return PartitionImage(**(defaults | {"leader": 1, "leader_epoch": 4} | fields))


@pytest.fixture
def make(tmp_path: Path) -> Any:
    made = []

    def make(settings: dict[str, Any] | None = None, **fields: Any) -> Partition:
        log = open_log(tmp_path / str(len(made)), **(settings or {}))
        partition = Partition(1, "orders", TOPIC_ID, 0, log)
        partition.apply(image(**fields))
        made.append(log)
        return partition

    yield make
    for log in made:
        log.close(clean=False)


def append(partition: Partition, count: int = 1, *, acks: int = 1, **fields: Any) -> Any:
    records = batch(count, **fields)
    return partition.append(records, read_header(records), acks=acks, wall_ms=NOW_MS)


def refusal(call: Any, *arguments: Any, **named: Any) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        call(*arguments, **named)
    return refused.value.code


@pytest.mark.parametrize(
    ("epoch", "code"),
    [
        (-1, None),
        (4, None),
        (-7, ErrorCode.FENCED_LEADER_EPOCH),
        (3, ErrorCode.FENCED_LEADER_EPOCH),
        (5, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ],
)
def test_the_leader_checks_the_clients_epoch(make: Any, epoch: int, code: ErrorCode | None) -> None:
    partition = make()
    if code is None:
        partition.check_leader(epoch)
    else:
        assert refusal(partition.check_leader, epoch) == code


def test_a_follower_leads_nobody_but_knows_its_epoch(make: Any) -> None:
    partition = make(leader=2)
    assert refusal(partition.check_leader) == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert refusal(partition.check_leader, 4) == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert refusal(partition.check_leader, 3) == ErrorCode.FENCED_LEADER_EPOCH
    partition.apply(image(leader=1, leader_epoch=5))
    partition.check_leader(5)
    partition.retire()
    assert refusal(partition.check_leader) == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_only_other_replicas_are_followers(make: Any) -> None:
    partition = make()
    assert list(partition.followers) == [2, 3]


def test_the_high_watermark_is_the_smallest_end_of_the_isr(make: Any) -> None:
    partition = make()
    assert append(partition, 5).required_offset == 5
    assert partition.high_watermark == 0
    assert not partition.follower_fetched(2, 5)
    assert partition.follower_fetched(3, 3)
    assert partition.high_watermark == 3
    assert not partition.advance_high_watermark()
    assert not partition.follower_fetched(3, 1)  # it went back; what is committed stays
    assert partition.high_watermark == 3
    partition.apply(image(isr=[1, 2]))
    assert partition.high_watermark == 5


def test_a_new_epoch_forgets_what_followers_had(make: Any) -> None:
    partition = make()
    append(partition, 2)
    partition.follower_fetched(2, 2)
    partition.follower_fetched(3, 2)
    partition.apply(image(isr=[1, 2]))
    assert [follower.end_offset for follower in partition.followers.values()] == [2, 2]
    partition.apply(image(leader_epoch=5))
    assert [follower.end_offset for follower in partition.followers.values()] == [-1, -1]
    assert append(partition).base_offset == 2
    assert partition.log.epoch_at(2) == 5


def test_alone_everything_is_committed_at_once(make: Any) -> None:
    partition = make(replicas=[1], isr=[1])
    append(partition, 2)
    assert partition.high_watermark == 2


def test_acks_all_needs_the_minimum_of_replicas(make: Any) -> None:
    partition = make({"min_insync_replicas": 2}, isr=[1])
    assert refusal(append, partition, acks=-1) == ErrorCode.NOT_ENOUGH_REPLICAS
    assert partition.log.log_end_offset == 0
    assert append(partition, acks=1).base_offset == 0
    partition.apply(image(isr=[1, 3]))
    assert append(partition, acks=-1).base_offset == 1


def test_the_minimum_is_never_more_than_there_are_replicas(make: Any) -> None:
    partition = make({"min_insync_replicas": 5}, isr=[1, 2, 3])
    assert append(partition, acks=-1).base_offset == 0
    alone = make({"min_insync_replicas": 5}, replicas=[1], isr=[1])
    assert append(alone, acks=-1).base_offset == 0


def test_a_duplicate_waits_for_its_own_end(make: Any) -> None:
    partition = make(isr=[1])
    append(partition, 3, producer=(7, 0, 0), timestamp=NOW_MS)
    append(partition, 2, producer=(7, 0, 3))
    again = append(partition, 3, producer=(7, 0, 0), timestamp=NOW_MS)
    assert again == (0, NOW_MS + 2, 3)
    assert partition.log.log_end_offset == 5
    code = refusal(append, partition, producer=(7, 0, 9))
    assert code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_append_times_are_told_where_the_topic_stamps_them(make: Any) -> None:
    stamps = make({"message_timestamp_type": "LogAppendTime"}, isr=[1])
    assert append(stamps, timestamp=55).log_append_time == 55
    keeps = make(isr=[1])
    assert append(keeps, timestamp=55).log_append_time == -1


def test_records_are_deleted_up_to_the_high_watermark(make: Any) -> None:
    partition = make()
    append(partition, 5)
    partition.follower_fetched(2, 3)
    partition.follower_fetched(3, 3)
    for offset in (4, -2):
        assert refusal(partition.delete_records, offset) == ErrorCode.OFFSET_OUT_OF_RANGE
    assert partition.delete_records(2) == 2
    assert partition.delete_records(1) == 2
    assert partition.delete_records(-1) == 3
    partition.apply(image(leader=2))
    assert refusal(partition.delete_records, 3) == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_divergence_is_found_by_epoch_and_offset(make: Any) -> None:
    """Epoch 4 holds 0-4, epoch 6 holds 5-9."""
    partition = make(isr=[1])
    append(partition, 5)
    partition.apply(image(isr=[1], leader_epoch=6))
    append(partition, 5)
    for offset, epoch, expected in (
        (3, -1, None),
        (3, 4, None),
        (5, 4, None),
        (6, 4, (4, 5)),
        (7, 6, None),
        (10, 6, None),
        (11, 6, (6, 10)),
        (3, 5, (4, 5)),  # an epoch that wrote nothing here
    ):
        assert partition.diverges(offset, epoch) == expected, (offset, epoch)
    assert refusal(partition.diverges, 3, 7) == ErrorCode.OFFSET_OUT_OF_RANGE
    partition.delete_records(4)
    assert refusal(partition.diverges, 3, 4) == ErrorCode.OFFSET_OUT_OF_RANGE
    assert partition.diverges(4, 4) is None
