"""Snapshots of the metadata: when they are written, what they hold, what goes with old ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from minikafka.metadata.snapshot import snapshot_records
from minikafka.protocol.metadata_records import decode_record
from minikafka.protocol.records.metadata.begin_transaction_record import BeginTransactionRecord
from minikafka.protocol.records.metadata.end_transaction_record import EndTransactionRecord
from minikafka.protocol.records.metadata.no_op_record import NoOpRecord
from minikafka.raft.snapshots import Snapshot, parse_snapshot_name
from minikafka.raft.voters import Voter, VoterSet


def snapshots(path: Path) -> list[Path]:
    directory = path / "data/__cluster_metadata-0"
    return sorted(directory.glob("*.checkpoint"))


async def until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # files have no event to wait for
            await asyncio.sleep(0.01)


def settings(between: int, **more: str) -> dict[str, str]:
    return {"metadata.log.max.record.bytes.between.snapshots": str(between), **more}


async def test_enough_new_records_make_a_snapshot_of_all(make_node: Any, tmp_path: Path) -> None:
    node = await make_node(**settings(2000))
    await node.register()
    for number in range(12):
        await node.create(f"topic-{number}", 5)
    await until(lambda: snapshots(tmp_path))
    newest = snapshots(tmp_path)[-1]
    end_offset, epoch = parse_snapshot_name(newest.name) or (0, 0)
    assert 0 < end_offset <= node.quorum.image.offset + 1
    assert epoch == 1
    held = Snapshot.decode(newest.read_bytes())
    kinds = {type(decode_record(value)[0]).__name__ for value in held.values}
    assert {"FeatureLevelRecord", "RegisterBrokerRecord", "TopicRecord", "PartitionRecord"} <= kinds
    assert held.voters is None


async def test_time_makes_a_snapshot_of_what_has_changed_only(
    make_node: Any, tmp_path: Path
) -> None:
    node = await make_node()
    await node.register()
    await node.create("orders", 3)
    await node.age_clock.advance(3_600_001)
    await until(lambda: snapshots(tmp_path))
    (first,) = snapshots(tmp_path)
    assert parse_snapshot_name(first.name) == (node.quorum.image.offset + 1, 1)
    await node.age_clock.advance(3_600_001)
    await asyncio.sleep(0)
    assert snapshots(tmp_path) == [first]


async def test_it_names_the_voters_of_its_moment(make_node: Any, tmp_path: Path) -> None:
    node = await make_node(controller_quorum_bootstrap_servers="localhost:9093")
    await node.register()
    (voter,) = node.quorum.node.voters
    # A record of another voter that nothing commits, and of which the snapshot tells nothing.
    history = node.quorum.node._core.history
    history.add(node.quorum.log_end_offset, history.voters.with_voter(Voter(9)), None)
    await node.age_clock.advance(3_600_001)
    newest = f"{node.quorum.image.offset + 1:020}"
    await until(lambda: any(path.name.startswith(newest) for path in snapshots(tmp_path)))
    held = Snapshot.decode(snapshots(tmp_path)[-1].read_bytes())
    assert (held.kraft_version, held.voters) == (1, VoterSet([voter]))


async def test_the_next_start_reads_the_snapshot_and_what_follows(
    make_node: Any, tmp_path: Path
) -> None:
    first = await make_node(**settings(3000))
    await first.register()
    for number in range(12):
        await first.create(f"topic-{number}", 4)
    await until(lambda: snapshots(tmp_path))
    await first.create("after", 2)
    records = list(snapshot_records(first.quorum.image))
    await first.stop()
    second = await make_node(**settings(1 << 30))
    assert list(snapshot_records(second.quorum.image)) == records
    await second.create("more", 1)


async def test_retention_removes_all_but_the_newest_and_the_log_before_it(
    make_node: Any, tmp_path: Path
) -> None:
    keys = {
        "metadata.log.segment.bytes": "8388608",
        "metadata.log.segment.ms": "1",
        "metadata.max.retention.bytes": "1000",
    }
    node = await make_node(**settings(1500, **keys))
    await node.register()
    seen = set()
    for number in range(40):
        await node.create(f"topic-{number}", 4)
        seen.update(path.name for path in snapshots(tmp_path))
    await until(lambda: len(seen | {path.name for path in snapshots(tmp_path)}) > 1)
    await until(lambda: len(snapshots(tmp_path)) == 1)
    records = list(snapshot_records(node.quorum.image))
    end_offset, _ = parse_snapshot_name(snapshots(tmp_path)[0].name) or (0, 0)
    await until(lambda: node.quorum._log.log_start_offset == end_offset)
    await node.stop()
    second = await make_node(**settings(1 << 30, **keys))
    assert list(snapshot_records(second.quorum.image)) == records


async def test_a_disk_that_does_not_take_it_costs_nothing_else(
    make_node: Any, tmp_path: Path
) -> None:
    node = await make_node(**settings(1500))
    await node.register()
    blocked = tmp_path / "data/__cluster_metadata-0"
    node.quorum._snapshots._directory = str(blocked / "missing")
    for number in range(12):
        await node.create(f"topic-{number}", 4)
    assert (await node.create("goes-on")).error_code == 0
    assert not node.failures


async def test_none_is_taken_in_the_middle_of_a_transaction(make_node: Any, tmp_path: Path) -> None:
    node = await make_node(**settings(1))
    await until(lambda: snapshots(tmp_path) and node.quorum._snapshots._writing.done())
    before = snapshots(tmp_path)
    await node.quorum.committed(node.quorum.append([BeginTransactionRecord(name="many")]))
    await node.quorum.committed(node.quorum.append([NoOpRecord()]))
    assert snapshots(tmp_path) == before
    await node.quorum.committed(node.quorum.append([EndTransactionRecord()]))
    await until(lambda: len(snapshots(tmp_path)) > len(before))
