"""Formatting, and whose directory this is."""

from __future__ import annotations

from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from minikafka.broker.storage import (
    Storage,
    StorageError,
    is_sole_voter,
    lacks_cluster_id,
    prepare_storage,
    read_bootstrap,
)
from minikafka.log.checkpoints import MetaProperties
from minikafka.raft.snapshots import Snapshot
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings


def settings_of(*paths: Path, **settings: str) -> BrokerSettings:
    values = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": "1@localhost:9093",
        "listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": ",".join(map(str, paths)),
    }
    values |= {key.replace("_", "."): value for key, value in settings.items()}
    return BrokerSettings.parse(values)


def prepare(*paths: Path, seed: int = 1, cluster_id: str | None = None, **settings: str) -> Storage:
    parsed = settings_of(*paths, **settings)
    return prepare_storage(parsed, LocalDisk(), Random(seed), wall_ms=1000, cluster_id=cluster_id)


def test_a_sole_voter_invents_the_cluster(tmp_path: Path) -> None:
    storage = prepare(tmp_path / "a")
    assert len(storage.cluster_id) == 22
    (directory_id,) = storage.directory_ids.values()
    meta = MetaProperties.decode((tmp_path / "a/meta.properties").read_bytes())
    assert (meta.node_id, meta.cluster_id, meta.directory_id) == (
        1,
        storage.cluster_id,
        directory_id,
    )
    assert storage.metadata_log == f"{tmp_path}/a/__cluster_metadata-0"
    assert storage.metadata_directory_id == directory_id


def test_what_is_formatted_once_stays(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a")
    second = prepare(tmp_path / "a", seed=2)
    assert second.cluster_id == first.cluster_id
    assert second.directory_ids == first.directory_ids


def test_the_cluster_id_may_be_given(tmp_path: Path) -> None:
    storage = prepare(tmp_path / "a", cluster_id="4L6g3nShT-eMCtK--X86sw")
    assert storage.cluster_id == "4L6g3nShT-eMCtK--X86sw"
    assert prepare(tmp_path / "a", cluster_id="4L6g3nShT-eMCtK--X86sw").directory_ids


def test_another_cluster_is_refused(tmp_path: Path) -> None:
    storage = prepare(tmp_path / "a")
    with pytest.raises(StorageError) as refused:
        prepare(tmp_path / "a", cluster_id="4L6g3nShT-eMCtK--X86sw")
    assert str(refused.value) == (
        f"{tmp_path}/a: this directory belongs to cluster {storage.cluster_id}, but --cluster-id "
        "says 4L6g3nShT-eMCtK--X86sw."
    )


def test_another_node_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path / "a")
    with pytest.raises(StorageError, match="belongs to node 1, and this is node 2"):
        prepare(tmp_path / "a", node_id="2", controller_quorum_voters="2@localhost:9093")


def test_directories_of_two_clusters_are_refused(tmp_path: Path) -> None:
    prepare(tmp_path / "a")
    prepare(tmp_path / "b", seed=2)
    with pytest.raises(StorageError, match=r"b: this directory belongs to .* but .*/a says"):
        prepare(tmp_path / "a", tmp_path / "b")


def test_a_further_directory_joins_the_cluster(tmp_path: Path) -> None:
    first = prepare(tmp_path / "a")
    both = prepare(tmp_path / "a", tmp_path / "b", seed=2)
    assert both.cluster_id == first.cluster_id
    assert list(both.directory_ids) == [f"{tmp_path}/a", f"{tmp_path}/b"]
    assert len(set(both.directory_ids.values())) == 2
    assert not (tmp_path / "b/bootstrap.checkpoint").exists()


def test_an_empty_metadata_directory_is_not_a_new_cluster(tmp_path: Path) -> None:
    prepare(tmp_path / "a", tmp_path / "b")
    with pytest.raises(StorageError, match="Is it mounted"):
        prepare(tmp_path / "c", tmp_path / "b")


def test_partitions_without_metadata_are_not_given_up(tmp_path: Path) -> None:
    prepare(tmp_path / "a")
    (tmp_path / "a/orders-0").mkdir()
    with pytest.raises(StorageError, match=r"the metadata log is missing.*orders-0"):
        prepare(tmp_path / "a")


def test_the_metadata_log_may_have_a_directory_of_its_own(tmp_path: Path) -> None:
    storage = prepare(tmp_path / "a", metadata_log_dir=str(tmp_path / "m"))
    assert list(storage.directory_ids) == [f"{tmp_path}/a"]
    assert storage.metadata_log == f"{tmp_path}/m/__cluster_metadata-0"
    assert storage.metadata_directory_id not in storage.directory_ids.values()
    assert (tmp_path / "m/bootstrap.checkpoint").exists()


def test_a_directory_without_an_id_gets_one_for_life(tmp_path: Path) -> None:
    (tmp_path / "meta.properties").write_text("node.id=1\ncluster.id=c\nversion=1\n")
    first = prepare(tmp_path)
    assert first.cluster_id == "c"
    assert prepare(tmp_path, seed=2).directory_ids == first.directory_ids
    assert not (tmp_path / "bootstrap.checkpoint").exists()


@pytest.mark.parametrize("text", ["", "version=0\nbroker.id=1\n", "version=1\nnode.id=1\n"])
def test_a_strange_meta_properties_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "meta.properties").write_text(text)
    with pytest.raises(StorageError, match=r"meta\.properties"):
        prepare(tmp_path)


def test_one_of_several_voters_must_be_told_the_cluster(tmp_path: Path) -> None:
    voters = "1@localhost:9093,2@localhost:9094"
    with pytest.raises(StorageError, match="which cluster is it for"):
        prepare(tmp_path / "a", controller_quorum_voters=voters)
    assert not (tmp_path / "a/meta.properties").exists()
    storage = prepare(tmp_path / "a", cluster_id="told", controller_quorum_voters=voters)
    assert storage.cluster_id == "told"
    assert (tmp_path / "a/bootstrap.checkpoint").exists()


@pytest.mark.parametrize(
    ("servers", "is_sole"),
    [
        ("localhost:9093", True),
        ("127.0.0.1:9093", True),
        ("localhost:9094", False),
        ("elsewhere:9093", False),
        ("localhost:9093,localhost:9094", False),
    ],
)
def test_only_a_node_that_names_nobody_else_decides_alone(
    tmp_path: Path, servers: str, is_sole: bool
) -> None:
    parsed = settings_of(
        tmp_path, controller_quorum_voters="", controller_quorum_bootstrap_servers=servers
    )
    assert is_sole_voter(parsed) is is_sole
    disk = LocalDisk()
    assert lacks_cluster_id(parsed, disk) is not is_sole
    prepare_storage(parsed, disk, Random(1), wall_ms=1, cluster_id="told")
    assert not lacks_cluster_id(parsed, disk)
    voters = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"
    assert (tmp_path / voters).exists() is is_sole, "who joins others does not say who votes"


def test_a_mere_broker_begins_nothing(tmp_path: Path) -> None:
    values = {
        "node_id": "4",
        "process_roles": "broker",
        "listeners": "PLAINTEXT://localhost:9092",
    }
    with pytest.raises(StorageError, match="which cluster is it for"):
        prepare(tmp_path / "a", **values)
    prepare(tmp_path / "a", cluster_id="told", **values)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [".lock", "meta.properties"]


def test_a_directory_in_use_is_not_formatted(tmp_path: Path) -> None:
    disk = LocalDisk()
    lock = disk.lock(f"{tmp_path}/.lock")
    with pytest.raises(StorageError, match="another process"):
        prepare(tmp_path)
    lock.release()
    prepare(tmp_path)


def test_bootstrap_records(tmp_path: Path) -> None:
    prepare(tmp_path)
    records = read_bootstrap(LocalDisk(), str(tmp_path))
    assert [(r.name, r.feature_level) for r in records] == [  # type: ignore[attr-defined]
        ("metadata.version", 30),
        ("eligible.leader.replicas.version", 1),
    ]
    (tmp_path / "bootstrap.checkpoint").unlink()
    assert read_bootstrap(LocalDisk(), str(tmp_path)) == records
    (tmp_path / "bootstrap.checkpoint").write_bytes(b"half")
    with pytest.raises(StorageError, match=r"bootstrap\.checkpoint"):
        read_bootstrap(LocalDisk(), str(tmp_path))


def test_dynamic_voters_are_left_in_a_snapshot(tmp_path: Path) -> None:
    storage = prepare(
        tmp_path,
        controller_quorum_voters="",
        controller_quorum_bootstrap_servers="localhost:9093",
    )
    name = "00000000000000000000-0000000000.checkpoint"
    snapshot = Snapshot.decode((tmp_path / "__cluster_metadata-0" / name).read_bytes())
    assert (snapshot.kraft_version, snapshot.values) == (1, [])
    assert snapshot.last_contained_ms == 1000
    assert snapshot.voters is not None
    (voter,) = snapshot.voters
    assert (voter.node_id, voter.directory_id) == (1, storage.metadata_directory_id)
    assert isinstance(storage.metadata_directory_id, UUID)
