"""A full disk under the replicas: refused, nothing damaged, tried again when there is room."""

import asyncio
from errno import ENOSPC
from typing import Any

import pytest
from unit.log.making import NOW_MS, batch, marker

from minikafka.log.partition_log import PartitionLog
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import read_header
from minikafka.replication import full_disks
from minikafka.replication.partition import Partition
from minikafka.sim.disk import SimDisk


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_disks, "CHECK_INTERVAL_S", 0.0)


def append(partition: Partition, made: memoryview) -> int:
    return partition.append(made, read_header(made), acks=1, wall_ms=NOW_MS).base_offset


def fill(disk: SimDisk, leave_bytes: int = 0) -> None:
    disk.capacity = disk.used + leave_bytes


def empty(disk: SimDisk) -> None:
    disk.capacity = 1 << 40


def refused(followed: Any, partition: Partition, made: memoryview) -> None:
    """The append fails for lack of room, as the broker treats it, and leaves batch and log."""
    before, end_offset = bytes(made), partition.log.log_end_offset
    with pytest.raises(OSError, match="space") as failure:
        append(partition, made)
    assert failure.value.errno == ENOSPC
    followed.replicas.storage_failed(partition, failure.value)
    assert bytes(made) == before
    assert partition.log.log_end_offset == end_offset
    assert followed.offline == []
    assert followed.replicas.partition(partition.topic, partition.index) is partition


async def test_a_refused_batch_is_taken_when_there_is_room(
    simulated: Any, sim_disk: SimDisk, caplog: pytest.LogCaptureFixture
) -> None:
    simulated.create("orders")
    partition = simulated.replicas.partition("orders", 0)
    log = partition.log
    assert isinstance(log, PartitionLog)
    # The very first batch of an epoch writes the checkpoint of epochs before it.
    made = batch(producer=(7, 0, 0))
    fill(sim_disk)
    refused(simulated, partition, made)
    fill(sim_disk, leave_bytes=50)
    refused(simulated, partition, made)
    assert caplog.text.count("has no room") == 1
    empty(sim_disk)
    assert append(partition, made) == 0
    fill(sim_disk)
    refused(simulated, partition, batch(producer=(7, 0, 1)))
    empty(sim_disk)
    assert append(partition, batch(producer=(7, 0, 1))) == 1
    await simulated.restart(clean=False)
    reopened = simulated.replicas.partition("orders", 0)
    assert reopened.log.log_end_offset == 2
    assert append(reopened, batch(producer=(7, 0, 2))) == 2


async def test_a_segment_that_cannot_be_sealed_is_sealed_later(
    simulated: Any, sim_disk: SimDisk
) -> None:
    simulated.create("orders")
    simulated.configure("orders", "segment.bytes", str(1 << 20))
    partition = simulated.replicas.partition("orders", 0)
    for number in range(3):
        assert append(partition, batch(size=300_000)) == number
    fill(sim_disk, leave_bytes=400_000)
    assert append(partition, batch(size=10)) == 3
    fill(sim_disk, leave_bytes=11)
    for _ in range(3):
        refused(simulated, partition, batch(size=300_000))
    empty(sim_disk)
    assert append(partition, batch(size=300_000)) == 4
    log = partition.log
    assert isinstance(log, PartitionLog)
    assert log.segment_base_offsets == [0, 4]
    await simulated.restart(clean=True)
    assert simulated.replicas.partition("orders", 0).log.log_end_offset == 5


@pytest.mark.parametrize("clean", [True, False])
async def test_an_aborted_transaction_stays_known(
    simulated: Any, sim_disk: SimDisk, clean: bool
) -> None:
    simulated.create("orders")
    partition = simulated.replicas.partition("orders", 0)
    log = partition.log
    assert isinstance(log, PartitionLog)
    for first in (0, 2):
        append(partition, batch(producer=(7, 0, first // 2), transactional=True))
        ending = marker(7, 0, committed=False)
        fill(sim_disk, leave_bytes=len(ending))
        # No room for the entry of the transaction index behind it.
        assert log.append(ending, read_header(ending), 0, NOW_MS) == first + 1
        assert [entry.first_offset for entry in log.aborted_transactions(first, 9)] == [first]
        empty(sim_disk)
    if not clean:
        await log.flush()
        assert log.recovery_point == 4
        await simulated.replicas.online[0].write_recovery_points()
    await simulated.restart(clean=clean)
    reopened = simulated.replicas.partition("orders", 0).log
    assert [entry.first_offset for entry in reopened.aborted_transactions(0, 9)] == [0, 2]


async def test_a_flush_that_finds_no_room_proves_nothing(simulated: Any, sim_disk: SimDisk) -> None:
    simulated.create("orders")
    partition = simulated.replicas.partition("orders", 0)
    append(partition, batch())
    log = partition.log
    assert isinstance(log, PartitionLog)
    sim_disk.fail("fsync", "/sim", error=ENOSPC, times=1)
    for _ in range(2):
        with pytest.raises(OSError, match="space") as failure:
            await log.flush()
        simulated.replicas.storage_failed(partition, failure.value)
        assert simulated.offline == ["data-0"]


async def test_logs_without_room_are_made_later(simulated: Any, sim_disk: SimDisk) -> None:
    fill(sim_disk)
    simulated.create("orders", 3)
    for index in range(3):
        with pytest.raises(KafkaError) as unavailable:
            simulated.replicas.partition("orders", index)
        assert unavailable.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    simulated.create("dropped")
    simulated.commit(simulated.delete_records("dropped"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(simulated.replicas) == 0
    empty(sim_disk)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert append(simulated.replicas.partition("orders", 2), batch()) == 0
    assert simulated.offline == []
