"""The names of partitions as bytes: found while the partition is here, gone with it."""

import gc
import uuid
from pathlib import Path

import pytest
from unit.log.making import open_log

from minikafka.api.wire_names import WireNames
from minikafka.replication.partition import Partition


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    log = open_log(tmp_path / "log")
    log.close(clean=False)
    return Partition(1, "orders", uuid.UUID(int=1 << 80), 0, log)


def test_a_name_is_found_until_the_partition_leaves(partition: Partition) -> None:
    names = WireNames()
    assert names.get(b"\7orders") is None
    names.put(b"\7orders", partition)
    assert names.get(b"\7orders") is partition
    partition.retire()
    assert names.get(b"\7orders") is None


def test_names_do_not_outlive_their_partition(partition: Partition) -> None:
    names = WireNames()
    names.put(b"\7orders", partition)
    names.put(b"\0\6orders", partition)
    assert len(names) == 2
    request = names.get(b"\7orders")
    assert request is partition
    del request
    gc.collect()
    assert len(names) == 2


def test_the_last_reference_takes_the_names_along(tmp_path: Path) -> None:
    names = WireNames()
    log = open_log(tmp_path / "log")
    for number in range(3):
        names.put(b"%d" % number, Partition(1, "orders", uuid.uuid4(), number, log))
    gc.collect()
    assert len(names) == 0
    log.close(clean=False)
