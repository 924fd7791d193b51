"""Our controller beside the metadata log of a real Kafka 4.3.0: the same records, read and decided.

The log was written by a broker+controller that was formatted, used, stopped and started again. Its
directory lies beside the project in our own environment; elsewhere these tests are skipped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from minikafka.broker.metadata_log import MetadataBatch
from minikafka.controller.controller import ClusterController
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.loader import MetadataLoader
from minikafka.metadata.snapshot import snapshot_records
from minikafka.protocol.messages.broker_heartbeat import BrokerHeartbeatRequest
from minikafka.protocol.metadata_records import decode_record, encode_record
from minikafka.protocol.records.metadata.no_op_record import NoOpRecord
from minikafka.raft.snapshots import Snapshot
from minikafka.records.batch import walk
from minikafka.records.record import decode_records
from minikafka.settings.broker import BrokerSettings

GOLDEN = Path(__file__).resolve().parents[3] / "shared/kafka/golden-logs/data/__cluster_metadata-0"
pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason="no recorded Kafka log here")


def batches() -> Iterator[MetadataBatch]:
    data = (GOLDEN / "00000000000000000000.log").read_bytes()
    for position, header in walk(data):
        batch = memoryview(data)[position : position + header.size_bytes]
        records = None
        if not header.is_control:
            records = [decode_record(r.value or b"")[0] for r in decode_records(batch)]
        yield MetadataBatch(
            records,
            last_offset=header.last_offset,
            epoch=header.partition_leader_epoch,
            wall_ms=header.max_timestamp,
        )


def feed(target: Any, batch: MetadataBatch) -> None:
    """Replay a batch into a loader or a controller."""
    place = {"last_offset": batch.last_offset, "epoch": batch.epoch, "wall_ms": batch.wall_ms}
    if batch.records is None:
        target.pass_control_batch(**place)
    elif isinstance(target, MetadataLoader):
        target.replay_batch(batch.records, **place)
    else:
        target.replay(batch.records, **place)


def image_before(offset: int) -> MetadataImage:
    loader = MetadataLoader(MetadataImage())
    for batch in batches():
        if batch.last_offset >= offset:
            break
        feed(loader, batch)
    assert loader.image.offset == offset - 1
    return loader.image


def shown(records: Any) -> Counter[str]:
    """The records without their order: much of Kafka's is that of a Java hash table."""
    for record in records:
        if hasattr(record, "features"):
            record.features.sort(key=lambda feature: feature.name)
    return Counter(repr(record) for record in records)


def test_every_record_comes_back_byte_for_byte() -> None:
    data = (GOLDEN / "00000000000000000000.log").read_bytes()
    kinds = set()
    for position, header in walk(data):
        if header.is_control:
            continue
        for stored in decode_records(memoryview(data)[position : position + header.size_bytes]):
            record, version = decode_record(stored.value or b"")
            assert encode_record(record, version) == stored.value
            kinds.add(type(record).__name__)
    assert len(kinds) >= 15


@pytest.mark.parametrize("end_offset", [46, 90])
def test_our_snapshot_says_what_kafkas_says(end_offset: int) -> None:
    name = f"{end_offset:020d}-0000000001.checkpoint"
    theirs = Snapshot.decode((GOLDEN / name).read_bytes())
    ours = list(snapshot_records(image_before(end_offset)))
    read = [decode_record(value)[0] for value in theirs.values]
    assert shown(ours) == shown(read)
    assert ours[0] == read[0], "metadata.version comes first"
    assert theirs.kraft_version == 1
    assert theirs.voters is not None
    assert theirs.voters.ids == (1,)


def controller_at(offset: int) -> ClusterController:
    """A controller that has replayed Kafka's log up to `offset` (exclusive)."""
    settings = BrokerSettings.parse(
        {
            "node.id": "1",
            "process.roles": "broker,controller",
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
            "controller.listener.names": "CONTROLLER",
        }
    )
    controller = ClusterController(
        cluster_id="Nj5GKOPgT4q9kBth5aocGg",
        settings=settings,
        random=Random(1),
        new_uuid=lambda: UUID(int=1),
    )
    for batch in batches():
        if batch.last_offset >= offset:
            break
        feed(controller, batch)
    assert controller.image.offset == offset - 1
    return controller


def written(first: int, last: int) -> list[Any]:
    """What Kafka wrote at these offsets, without no-ops."""
    found = []
    for batch in batches():
        base = batch.last_offset - len(batch.records or ()) + 1
        for index, record in enumerate(batch.records or ()):
            if first <= base + index <= last and not isinstance(record, NoOpRecord):
                found.append(record)
    return found


def decide(controller: ClusterController, **wants: Any) -> list[Any]:
    request = BrokerHeartbeatRequest(
        broker_id=1,
        broker_epoch=controller.image.brokers[1].epoch,
        current_metadata_offset=controller.image.offset,
        cordoned_log_dirs=[],
        **wants,
    )
    return list(controller.broker_heartbeat(request, 0).records)


def test_a_broker_that_comes_back_gets_its_leaderships_as_from_kafka() -> None:
    ours, theirs = decide(controller_at(118)), written(118, 138)
    assert shown(ours) == shown(theirs)
    assert (ours[0], ours[-1]) == (theirs[0], theirs[-1])


def test_a_controlled_shutdown_begins_as_with_kafka() -> None:
    ours, theirs = decide(controller_at(140), want_shut_down=True), written(140, 159)
    assert shown(ours) == shown(theirs)
    assert ours[0] == theirs[0]


def test_a_controlled_shutdown_ends_as_with_kafka() -> None:
    assert decide(controller_at(160), want_shut_down=True) == written(160, 160)


def test_an_empty_log_begins_as_with_kafka() -> None:
    controller = controller_at(3)
    bootstrap = Snapshot.decode((GOLDEN.parent / "bootstrap.checkpoint").read_bytes())
    records = [decode_record(value)[0] for value in bootstrap.values]
    assert list(controller.activate(records, 0).records) == written(3, 12)
