"""The hosted quorum: what is committed, published, and found again after any kind of end."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest

from minikafka.broker.metadata_log import open_metadata_log, read_batches
from minikafka.broker.storage import StorageError
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.snapshot import snapshot_records
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.metadata_records import encode_record
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord
from minikafka.protocol.records.metadata.no_op_record import NoOpRecord
from minikafka.raft.snapshots import Snapshot, snapshot_name


def log_file(path: Path) -> Path:
    return path / "data/__cluster_metadata-0/00000000000000000000.log"


def names(node: Any) -> list[str]:
    """The record types of the log in order, control batches as `-`."""
    log = open_metadata_log(node.settings, node.disk, node.storage.metadata_log, 1)
    found = []
    for batch in read_batches(log, 0):
        records = batch.records
        found += ["-"] if records is None else [type(r).__name__ for r in records]
    log.close(clean=False)
    return found


async def test_a_new_cluster(make_node: Any, tmp_path: Path) -> None:
    node = await make_node()
    image = node.quorum.image
    assert node.quorum.is_leader
    assert image.features == {"metadata.version": 30, "eligible.leader.replicas.version": 1}
    assert image.cluster_configs == {"min.insync.replicas": "1"}
    assert (image.offset, image.epoch) == (5, 1)
    assert names(node) == [
        "-",
        "BeginTransactionRecord",
        "FeatureLevelRecord",
        "FeatureLevelRecord",
        "ConfigRecord",
        "EndTransactionRecord",
    ]
    directory = log_file(tmp_path).parent
    assert (directory / "quorum-state").read_bytes() == (
        b'{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,'
        b'"currentVoters":[{"voterId":1}],"data_version":0}'
    )
    assert (directory / "partition.metadata").read_bytes() == (
        b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"
    )


async def test_both_images_agree_once_all_is_committed(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    await node.create("orders", 3)
    assert list(snapshot_records(node.quorum.image)) == list(
        snapshot_records(node.controller.image)
    )
    assert node.quorum.image.offset == node.controller.image.offset


async def test_what_is_committed_is_published_as_image_and_delta(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    published: list[tuple[int, set[str]]] = []

    def publish(image: MetadataImage, delta: MetadataDelta) -> None:
        assert all(name in image.topics for name in delta.created_topics)
        published.append((image.offset, set(delta.created_topics)))

    node.quorum.on_publish(publish)
    await node.create("orders")
    assert published == [(node.quorum.image.offset, {"orders"})]


async def test_a_restart_leads_a_new_epoch_and_knows_everything(make_node: Any) -> None:
    first = await make_node()
    await first.register()
    await first.create("orders", 2)
    before = list(snapshot_records(first.quorum.image))
    await first.stop()
    second = await make_node()
    assert second.quorum.node.epoch == 2
    assert list(snapshot_records(second.quorum.image)) == before
    assert second.storage.cluster_id == first.storage.cluster_id
    await second.create("other")
    assert sorted(second.quorum.image.topics) == ["orders", "other"]


async def test_a_crash_keeps_what_was_answered(make_node: Any) -> None:
    first = await make_node()
    await first.register()
    await first.create("orders")
    await first.crash()
    second = await make_node()
    assert list(second.quorum.image.topics) == ["orders"]


async def test_a_torn_tail_is_cut(make_node: Any, tmp_path: Path) -> None:
    first = await make_node()
    await first.register()
    await first.create("kept")
    await first.create("torn")
    await first.crash()
    file = log_file(tmp_path)
    file.write_bytes(file.read_bytes()[:-7])
    second = await make_node()
    assert list(second.quorum.image.topics) == ["kept"]
    await second.create("torn")
    assert sorted(second.quorum.image.topics) == ["kept", "torn"]


async def test_a_lost_quorum_state_does_not_go_back_in_epochs(
    make_node: Any, tmp_path: Path
) -> None:
    await (await make_node()).stop()
    (log_file(tmp_path).parent / "quorum-state").unlink()
    second = await make_node()
    assert second.quorum.node.epoch == 2


async def test_a_broken_quorum_state_is_named(make_node: Any, tmp_path: Path) -> None:
    await (await make_node()).stop()
    (log_file(tmp_path).parent / "quorum-state").write_bytes(b"{")
    with pytest.raises(StorageError, match="quorum-state"):
        await make_node()


async def test_dynamic_voters(make_node: Any) -> None:
    first = await make_node(controller_quorum_bootstrap_servers="localhost:9093")
    assert first.quorum.node.kraft_version == 1
    assert first.quorum.image.features["kraft.version"] == 1
    assert first.quorum.image.offset == 7, "leader change, kraft.version, voters, bootstrap"
    (voter,) = first.quorum.node.voters
    assert voter.directory_id == first.storage.metadata_directory_id
    assert voter.endpoints == (("CONTROLLER", "localhost", 9093),)
    await first.stop()
    second = await make_node(controller_quorum_bootstrap_servers="localhost:9093")
    assert second.quorum.node.epoch == 2
    assert second.quorum.node.kraft_version == 1


async def test_voters_in_the_log_outrank_the_settings(make_node: Any) -> None:
    await (await make_node(controller_quorum_bootstrap_servers="localhost:9093")).stop()
    node = await make_node()
    assert node.quorum.node.kraft_version == 1


async def test_a_log_that_begins_behind_a_snapshot(make_node: Any, tmp_path: Path) -> None:
    first = await make_node()
    await first.register()
    await first.create("orders", 2)
    image = first.quorum.image
    snapshot = Snapshot(
        [
            encode_record(r, 0 if r.api_key not in (0, 3) else {0: 4, 3: 2}[r.api_key])
            for r in snapshot_records(image)
        ],
        last_contained_ms=image.wall_ms,
    )
    end_offset, records = image.offset + 1, list(snapshot_records(image))
    await first.stop()
    directory = log_file(tmp_path).parent
    name = snapshot_name(end_offset, 1)
    (directory / name).write_bytes(snapshot.encode(epoch=1, wall_ms=5))
    log = open_metadata_log(first.settings, first.disk, str(directory), 1)
    log.truncate_fully_and_start_at(end_offset)
    log.close()
    second = await make_node()
    assert list(snapshot_records(second.quorum.image)) == records
    assert second.quorum.image.offset == end_offset
    await second.stop()
    (directory / name).unlink()
    with pytest.raises(StorageError, match=f"begins at offset {end_offset}"):
        await make_node()


async def test_a_cluster_of_a_later_version_is_refused(make_node: Any) -> None:
    node = await make_node()
    await node.quorum.committed(
        node.quorum.append([FeatureLevelRecord(name="brand.new", feature_level=3)])
    )
    await node.stop()
    with pytest.raises(StorageError, match=r"has finalised brand\.new 3"):
        await make_node()


async def test_appends_share_an_fsync_while_one_is_under_way(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    node.disk.let_flush.clear()
    node.disk.flush_asked.clear()
    before = node.disk.flushes
    creations = [asyncio.ensure_future(node.create(f"topic-{n}")) for n in range(20)]
    await node.disk.flush_asked.wait()
    node.disk.let_flush.set()
    assert all(result.error_code == 0 for result in await asyncio.gather(*creations))
    assert node.disk.flushes - before <= 3


async def test_nothing_is_visible_before_it_is_flushed(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    node.disk.let_flush.clear()
    last_offset = node.quorum.append([NoOpRecord()])
    waiter = asyncio.ensure_future(node.quorum.committed(last_offset))
    await asyncio.sleep(0)
    assert node.controller.image.offset == last_offset
    assert node.quorum.image.offset < last_offset
    assert not waiter.done()
    node.disk.let_flush.set()
    await waiter
    assert node.quorum.image.offset == last_offset


async def test_a_failed_flush_ends_the_quorum(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    node.disk.fault = OSError(errno.EIO, "no more")
    with pytest.raises(KafkaError) as refused:
        await node.create("orders")
    assert refused.value.code is ErrorCode.NOT_CONTROLLER
    await asyncio.sleep(0)
    assert [type(error) for error in node.failures] == [OSError]
    assert not node.quorum.is_leader
    assert "orders" not in node.quorum.image.topics
    with pytest.raises(KafkaError) as later:
        await node.create("other")
    assert later.value.code is ErrorCode.NOT_CONTROLLER


async def test_a_failed_append_leaves_no_half_decision(make_node: Any, tmp_path: Path) -> None:
    node = await make_node()
    await node.register()
    node.quorum._log.log._segments.active.file.close()
    with pytest.raises(KafkaError) as refused:
        await node.create("orders")
    assert refused.value.code is ErrorCode.NOT_CONTROLLER  # so the next controller is asked
    assert "orders" not in node.controller.image.topics
    # The machine and its log disagree now: the node must not go on.
    async with asyncio.timeout(10):
        while not node.failures:  # noqa: ASYNC110  # the scope tells it some turns later
            await asyncio.sleep(0)
    assert [type(error) for error in node.failures] == [OSError]
    with pytest.raises(KafkaError) as later:
        await node.create("other")
    assert later.value.code is ErrorCode.NOT_CONTROLLER
    await node.crash()
    second = await make_node()
    assert second.quorum.image.topics == {}
