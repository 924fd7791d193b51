"""What Apache Kafka wrote into `__consumer_offsets` is loaded by our coordinator.

It lies in the folder `../shared` beside the repository; without it these tests are skipped.
"""

from pathlib import Path
from random import Random

import pytest

from minikafka.coordinators.group.coordinator import GroupCoordinator
from minikafka.coordinators.runtime.loading import Loading
from minikafka.log.partition_log import PartitionLog
from minikafka.protocol.messages.offset_fetch import OffsetFetchRequestGroup
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings

GOLDEN = Path(__file__).parents[3] / "shared" / "kafka" / "golden-logs" / "data"

if not GOLDEN.is_dir():
    pytest.skip("../shared/kafka/golden-logs is absent", allow_module_level=True)


@pytest.fixture
def loaded(tmp_path: Path) -> GroupCoordinator:
    """Partition 0, where Kafka's classic, static, simple and transactional groups are."""
    settings = BrokerSettings.parse(
        {
            "node.id": "1",
            "process.roles": "broker,controller",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": "1@127.0.0.1:9093",
            "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
        }
    )
    name = "__consumer_offsets-0"
    directory = tmp_path / name
    directory.mkdir()
    for file in (GOLDEN / name).iterdir():
        (directory / file.name).write_bytes(file.read_bytes())
    log = PartitionLog.open(
        LocalDisk(),
        str(directory),
        topic="__consumer_offsets",
        partition=0,
        settings=TopicSettings.resolve({"cleanup.policy": "compact"}, settings),
        wall_ms=0,
        clean=True,
        producer_expiration_ms=86_400_000,
    )
    machine = GroupCoordinator(settings, Random(1))
    loading = Loading(log, machine)
    while not loading.step():
        pass
    log.close(clean=False)
    return machine


def offsets(machine: GroupCoordinator, group_id: str) -> dict[tuple[str, int], tuple[int, str]]:
    wanted = OffsetFetchRequestGroup(group_id=group_id, topics=None)
    found = machine.fetch_offsets(wanted, require_stable=True)
    return {
        (topic.name, partition.partition_index): (partition.committed_offset, partition.metadata)
        for topic in found.topics
        for partition in topic.partitions
    }


def test_committed_offsets(loaded: GroupCoordinator) -> None:
    assert offsets(loaded, "golden-classic") == {
        ("g-gzip", 0): (3, ""),
        ("g-none", 0): (17, "meta-ü"),
    }
    assert offsets(loaded, "golden-static") == {("g-lz4", 0): (60, "")}


def test_offsets_of_a_transaction_count_after_its_marker(loaded: GroupCoordinator) -> None:
    assert offsets(loaded, "golden-txn-group") == {("g-none", 0): (10, "txn-meta")}
    assert not loaded.state.pending_offsets


def test_groups_and_their_members(loaded: GroupCoordinator) -> None:
    empty = loaded.describe("golden-classic", 6)
    assert (empty.group_state, empty.protocol_type, empty.members) == ("Empty", "consumer", [])
    static = loaded.describe("golden-static", 6)
    assert static.group_state == "Stable"
    assert static.protocol_data == "cooperative-sticky"
    assert [member.group_instance_id for member in static.members] == ["inst-1"]


def test_a_deleted_group_is_gone(loaded: GroupCoordinator) -> None:
    assert offsets(loaded, "golden-simple") == {}
    assert "golden-simple" not in {group.group_id for group in loaded.list_groups([], [])}
