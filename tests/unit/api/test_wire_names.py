"""The names of partitions as bytes: found while the partition is here, swept out afterwards."""

import uuid
from pathlib import Path

import pytest
from unit.log.making import open_log

from minikafka.api.wire_names import WireNames
from minikafka.log.partition_log import PartitionLog
from minikafka.replication.partition import Partition


@pytest.fixture
def log(tmp_path: Path) -> PartitionLog:
    log = open_log(tmp_path / "log")
    log.close(clean=False)
    return log


def partition(log: PartitionLog, index: int = 0) -> Partition:
    return Partition(1, "orders", uuid.UUID(int=1 << 80), index, log)


def test_a_name_is_found_until_the_partition_leaves(log: PartitionLog) -> None:
    names = WireNames()
    orders = partition(log)
    assert names.get(b"\7orders") is None
    names.put(b"\7orders", orders)
    assert names.get(b"\7orders") is orders
    orders.retire()
    assert names.get(b"\7orders") is None


def test_a_name_may_pass_to_another_partition(log: PartitionLog) -> None:
    names = WireNames()
    former, present = partition(log), partition(log)
    names.put(b"\7orders", former)
    former.retire()
    names.put(b"\7orders", present)
    assert names.get(b"\7orders") is present
    assert len(names) == 1


def test_names_of_partitions_that_left_do_not_pile_up(log: PartitionLog) -> None:
    names = WireNames()
    stays = partition(log)
    names.put(b"stays", stays)
    for number in range(5000):
        leaves = partition(log, number)
        names.put(b"%d" % number, leaves)
        leaves.retire()
    assert len(names) <= 512
    assert names.get(b"stays") is stays
