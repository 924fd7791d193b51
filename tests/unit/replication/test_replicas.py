"""The replicas of a broker follow the metadata: created, led, deleted, offline, opened again."""

import asyncio
import uuid
from typing import Any

import pytest
from unit.log.making import batch

from minikafka.log.partition_log import PartitionLog
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.types import ZERO_UUID
from minikafka.records.batch import read_header
from minikafka.replication.fetch_session import FetchEntry, FetchInterest
from minikafka.replication.replicas import NEW_LOGS_AT_ONCE, NEW_LOGS_PER_TURN

IO_ERROR = OSError(5, "Input/output error")


def append(partition: Any, count: int = 1) -> None:
    made = batch(count)
    partition.append(made, read_header(made), acks=1, wall_ms=0)


def code_of(followed: Any, topic: str, index: int = 0, topic_id: uuid.UUID = ZERO_UUID) -> int:
    with pytest.raises(KafkaError) as refused:
        followed.replicas.resolve(topic, topic_id, index)
    return refused.value.code


def names(followed: Any, number: int = 0) -> list[str]:
    return sorted(path.name for path in followed.paths[number].iterdir() if path.is_dir())


async def test_a_new_topic_is_there_at_once(followed: Any) -> None:
    topic_id = followed.create("orders", 3)
    for index in range(3):
        partition = followed.replicas.resolve("orders", ZERO_UUID, index)
        assert partition.is_leader
        assert followed.replicas.resolve("", topic_id, index) is partition
    assert names(followed) == ["orders-0", "orders-1", "orders-2"]
    assert len(followed.replicas) == 3


async def test_what_is_not_there_is_named_differently(followed: Any) -> None:
    topic_id = followed.create("orders")
    followed.create("elsewhere", replicas=(2,))
    assert code_of(followed, "unknown") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert code_of(followed, "orders", 1) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert code_of(followed, "", 1, topic_id) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert code_of(followed, "", 0, uuid.UUID(int=9)) == ErrorCode.UNKNOWN_TOPIC_ID
    assert code_of(followed, "elsewhere") == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_many_new_replicas_do_not_stop_the_loop(followed: Any) -> None:
    count = 3 * NEW_LOGS_PER_TURN
    followed.create("wide", count)
    assert NEW_LOGS_AT_ONCE <= len(followed.replicas) <= NEW_LOGS_PER_TURN
    assert code_of(followed, "wide", count - 1) == ErrorCode.NOT_LEADER_OR_FOLLOWER
    for _ in range(count // NEW_LOGS_AT_ONCE):
        made = len(followed.replicas)
        await asyncio.sleep(0)
        assert min(made + NEW_LOGS_AT_ONCE, count) <= len(followed.replicas)
        assert len(followed.replicas) <= made + NEW_LOGS_PER_TURN
    assert followed.replicas.resolve("wide", ZERO_UUID, count - 1).is_leader


async def test_what_is_deleted_before_its_turn_is_never_made(followed: Any) -> None:
    followed.create("wide", 2 * NEW_LOGS_PER_TURN)
    followed.commit(followed.delete_records("wide"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(followed.replicas) == 0
    assert all(name.endswith("-delete") for name in names(followed))


async def test_a_topic_made_anew_within_one_change_starts_empty(followed: Any) -> None:
    followed.create("orders")
    old = followed.replicas.partition("orders", 0)
    append(old)
    followed.commit(followed.delete_records("orders"), *followed.topic_records("orders"))
    new = followed.replicas.partition("orders", 0)
    assert old.retired
    assert new.log.log_end_offset == 0
    assert new.topic_id == followed.image.topics["orders"].topic_id
    assert code_of(followed, "", 0, old.topic_id) == ErrorCode.UNKNOWN_TOPIC_ID


async def test_nothing_keeps_a_deleted_partition(followed: Any) -> None:
    followed.create("orders")
    partition = followed.replicas.partition("orders", 0)
    interest = FetchInterest()
    interest.add(FetchEntry("orders", ZERO_UUID, 0))
    for entry in interest.entries.values():
        interest.partition_of(entry, followed.replicas.resolve)
    interest.watch()
    interest.dirty.clear()
    followed.commit(followed.delete_records("orders"))
    assert len(interest.dirty) == 1  # told
    for entry in interest.entries.values():
        with pytest.raises(KafkaError):
            interest.partition_of(entry, followed.replicas.resolve)
        assert entry.partition is None
    assert interest not in partition.watchers


async def test_leadership_follows_the_metadata(followed: Any) -> None:
    followed.create("orders", replicas=(1, 2))
    partition = followed.replicas.partition("orders", 0)
    append(partition)
    assert partition.high_watermark == 0  # broker 2 has not fetched
    followed.change("orders", isr=[1])
    assert partition.high_watermark == 1
    followed.change("orders", leader=2)
    assert not partition.is_leader
    with pytest.raises(KafkaError) as refused:
        followed.replicas.leader("orders", 0)
    assert refused.value.code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert followed.replicas.partition("orders", 0) is partition


async def test_a_replica_moved_away_is_deleted(followed: Any) -> None:
    followed.create("orders", replicas=(1, 2))
    followed.change("orders", replicas=[2], isr=[2], leader=2)
    assert code_of(followed, "orders") == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert names(followed)[0].endswith("-delete")


async def test_configs_take_effect_while_it_runs(followed: Any) -> None:
    followed.create("orders", 2)
    followed.create("other")
    followed.commit(
        ConfigRecord(
            resource_type=2, resource_name="orders", name="max.message.bytes", value="1000"
        )
    )
    partitions = {p.topic: p for p in followed.replicas}
    assert partitions["orders"].rules.max_message_bytes == 1000
    assert partitions["other"].rules.max_message_bytes == 1_048_588
    followed.commit(
        ConfigRecord(resource_type=4, resource_name="", name="message.max.bytes", value="2000")
    )
    assert partitions["orders"].rules.max_message_bytes == 1000
    assert partitions["other"].rules.max_message_bytes == 2000


@pytest.mark.parametrize("clean", [True, False])
async def test_a_restart_finds_everything_again(followed: Any, clean: bool) -> None:
    followed.create("orders", 2)
    append(followed.replicas.partition("orders", 1), 3)
    await followed.restart(clean=clean)
    partition = followed.replicas.partition("orders", 1)
    assert partition.log.log_end_offset == 3
    assert partition.is_leader
    assert partition.high_watermark == 3


async def test_a_log_of_nobody_is_set_aside(followed: Any) -> None:
    followed.create("orders")
    followed.create("kept")
    await followed.close()
    followed.image.replay(followed.delete_records("orders"))
    await followed.restart(clean=False)
    assert [name.rsplit("-", 1)[1] for name in names(followed)] == ["0", "stray"]
    assert len(followed.replicas) == 1


# --- directories that fail


async def test_a_failed_directory_takes_only_its_own_partitions(two_disks: Any) -> None:
    two_disks.create("orders", 4)
    first, second = two_disks.replicas.online
    lost = {partition.index for partition in two_disks.replicas.in_directory(first)}
    assert len(lost) == 2
    partition = two_disks.replicas.partition("orders", min(lost))
    two_disks.replicas.storage_failed(partition, IO_ERROR)
    two_disks.replicas.storage_failed(partition, IO_ERROR)
    assert two_disks.offline == ["data-0"]
    assert two_disks.replicas.online == [second]
    assert partition.retired
    for index in range(4):
        if index in lost:
            assert code_of(two_disks, "orders", index) == ErrorCode.KAFKA_STORAGE_ERROR
        else:
            assert two_disks.replicas.resolve("orders", ZERO_UUID, index).is_leader
    await first.close(clean=False)


async def test_what_was_lost_with_a_directory_can_be_deleted_and_made_again(
    two_disks: Any,
) -> None:
    two_disks.create("orders", 2)
    first, second = two_disks.replicas.online
    two_disks.replicas.directory_failed(first, IO_ERROR)
    two_disks.change("orders", 0, isr=[1])  # follows an offline replica, to no effect
    two_disks.commit(two_disks.delete_records("orders"))
    assert code_of(two_disks, "orders") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    two_disks.create("orders", 2)
    assert [p.index for p in two_disks.replicas.in_directory(second)] == [0, 1]
    await first.close(clean=False)


async def test_a_log_that_cannot_be_made_takes_its_directory_offline(followed: Any) -> None:
    (directory,) = followed.replicas.online
    (followed.paths[0] / "orders-0").write_text("in the way")
    followed.create("orders")
    assert followed.offline == ["data-0"]
    assert code_of(followed, "orders") == ErrorCode.KAFKA_STORAGE_ERROR
    await directory.close(clean=False)


async def test_the_logs_are_real(followed: Any) -> None:
    followed.create("orders")
    assert isinstance(followed.replicas.partition("orders", 0).log, PartitionLog)
