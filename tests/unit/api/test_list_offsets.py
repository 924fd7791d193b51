"""ListOffsets: timestamps and special timestamps, in every version that knows them."""

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, PENDING_UPLOAD = range(-1, -7, -1)
NOTHING = (0, -1, -1, -1)

Answer = tuple[int, int, int, int]


def asking(*wanted: tuple[int, int], topic: str = "a", **rest: Any) -> ListOffsetsRequest:
    return ListOffsetsRequest(
        replica_id=rest.pop("replica_id", -1),
        topics=[
            ListOffsetsTopic(
                name=topic,
                partitions=[
                    ListOffsetsPartition(partition_index=index, timestamp=timestamp)
                    for index, timestamp in wanted
                ],
            )
        ],
        **rest,
    )


async def answers(cluster: Any, request: ListOffsetsRequest, version: int = 11) -> list[Answer]:
    """(error code, timestamp, offset, leader epoch) of each partition of the only topic."""
    (topic,) = (await cluster.ask(request, version)).topics
    return [(p.error_code, p.timestamp, p.offset, p.leader_epoch) for p in topic.partitions]


@pytest.fixture
async def ten(cluster: Any) -> Any:
    """Topic "a" with ten records in two batches; the largest timestamp is not the last."""
    cluster.add_topic("a", partitions=2)
    cluster.append("a", 1000, 1010, 1020, 1030, 1040)
    cluster.append("a", 1050, 1090, 1090, 1070, 1080)
    return cluster


@pytest.mark.parametrize("version", range(1, 12))
async def test_both_ends_in_every_version(ten: Any, version: int) -> None:
    epoch = 0 if version >= 4 else -1
    assert await answers(ten, asking((0, LATEST)), version) == [(0, -1, 10, epoch)]
    assert await answers(ten, asking((0, EARLIEST)), version) == [(0, -1, 0, epoch)]


async def test_the_first_record_that_is_not_older(ten: Any) -> None:
    for timestamp, found in [
        (0, (0, 1000, 0, 0)),
        (1000, (0, 1000, 0, 0)),
        (1001, (0, 1010, 1, 0)),
        (1045, (0, 1050, 5, 0)),
        (1060, (0, 1090, 6, 0)),
        (1091, NOTHING),
    ]:
        assert await answers(ten, asking((0, timestamp))) == [found]


async def test_the_largest_timestamp_is_told_with_its_first_record(ten: Any) -> None:
    assert await answers(ten, asking((0, MAX_TIMESTAMP), (1, MAX_TIMESTAMP))) == [
        (0, 1090, 6, 0),
        NOTHING,
    ]


async def test_without_tiered_storage_all_is_local(ten: Any) -> None:
    request = asking((0, EARLIEST_LOCAL))
    assert await answers(ten, request) == [(0, -1, 0, 0)]
    for timestamp in (LATEST_TIERED, PENDING_UPLOAD):
        assert await answers(ten, asking((0, timestamp))) == [NOTHING]


@pytest.mark.parametrize(
    ("timestamp", "since"),
    [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9), (PENDING_UPLOAD, 11), (-7, 99)],
)
async def test_a_special_timestamp_is_unknown_before_its_version(
    ten: Any, timestamp: int, since: int
) -> None:
    for version in range(1, 12):
        ((code, *_),) = await answers(ten, asking((0, timestamp)), version)
        assert code == (0 if version >= since else ErrorCode.UNSUPPORTED_VERSION)


async def test_one_bad_partition_fails_alone(ten: Any) -> None:
    request = asking((0, LATEST), (7, LATEST), (1, LATEST), (1, EARLIEST))
    assert await answers(ten, request) == [
        (0, -1, 10, 0),
        (3, -1, -1, -1),
        (int(ErrorCode.INVALID_REQUEST), -1, -1, -1),
    ]
    assert await answers(ten, asking((0, LATEST), topic="nope")) == [(3, -1, -1, -1)]


async def test_a_topic_named_twice_is_answered_once(ten: Any) -> None:
    request = asking((0, LATEST))
    request.topics += asking((1, LATEST)).topics
    request.topics += asking((0, EARLIEST)).topics
    request.topics += asking(topic="b").topics
    assert await answers(ten, request) == [(42, -1, -1, -1), (0, -1, 0, 0)]


@pytest.mark.parametrize(("epoch", "code"), [(-1, 0), (0, 0), (1, 75)])
async def test_the_clients_epoch_is_compared(ten: Any, epoch: int, code: int) -> None:
    request = asking((0, LATEST))
    request.topics[0].partitions[0].current_leader_epoch = epoch
    assert (await answers(ten, request))[0][0] == code


async def test_an_old_epoch_is_fenced_and_another_leader_is_named_by_6(cluster: Any) -> None:
    topic_id = cluster.add_topic("a")
    cluster.replay(PartitionChangeRecord(partition_id=0, topic_id=topic_id, leader=-1))
    assert await answers(cluster, asking((0, LATEST))) == [(6, -1, -1, -1)]
    request = asking((0, LATEST))
    request.topics[0].partitions[0].current_leader_epoch = 0
    assert await answers(cluster, request) == [(74, -1, -1, -1)]


async def test_consumers_see_what_is_committed_and_replicas_all(cluster: Any) -> None:
    cluster.add_broker(2, "PLAINTEXT://b:9092")
    cluster.add_topic("a", replicas=(1, 2))
    cluster.append("a", 1000, 1010, 1020)
    partition = cluster.replicas.partition("a", 0)
    partition.high_watermark = 1
    assert await answers(cluster, asking((0, LATEST))) == [(0, -1, 1, 0)]
    assert await answers(cluster, asking((0, LATEST), replica_id=2)) == [(0, -1, 3, 0)]
    assert await answers(cluster, asking((0, 1010))) == [NOTHING]
    assert await answers(cluster, asking((0, 1010), replica_id=2)) == [(0, 1010, 1, 0)]
    assert await answers(cluster, asking((0, MAX_TIMESTAMP))) == [NOTHING]


async def test_read_committed_ends_at_the_open_transaction(cluster: Any) -> None:
    cluster.add_topic("a")
    cluster.append("a", 1000)
    cluster.append(
        "a", 1010, 1020, producer_id=5, producer_epoch=0, base_sequence=0, transactional=True
    )
    assert await answers(cluster, asking((0, LATEST), isolation_level=0)) == [(0, -1, 3, 0)]
    assert await answers(cluster, asking((0, LATEST), isolation_level=1)) == [(0, -1, 1, 0)]
    assert await answers(cluster, asking((0, 1010), isolation_level=1)) == [NOTHING]


async def test_an_isolation_level_that_does_not_exist(ten: Any) -> None:
    request = asking((0, LATEST), isolation_level=7)
    assert await answers(ten, request) == [(-1, -1, -1, -1)]


@pytest.mark.parametrize(("version", "code"), [(4, 5), (5, 78), (11, 78)])
async def test_a_new_leader_does_not_tell_an_end_older_than_its_epoch(
    cluster: Any, version: int, code: int
) -> None:
    cluster.add_broker(2, "PLAINTEXT://b:9092")
    topic_id = cluster.add_topic("a", replicas=(1, 2))
    cluster.append("a", 1000, 1010)
    cluster.replay(
        PartitionChangeRecord(partition_id=0, topic_id=topic_id, leader=-1),
        PartitionChangeRecord(partition_id=0, topic_id=topic_id, leader=1),
    )
    partition = cluster.replicas.partition("a", 0)
    assert (partition.high_watermark, partition.leader_epoch) == (0, 2)
    assert await answers(cluster, asking((0, LATEST)), version) == [(code, -1, -1, -1)]
    assert await answers(cluster, asking((0, 1010)), version) == [(code, -1, -1, -1)]
    partition.high_watermark = 2
    assert (await answers(cluster, asking((0, LATEST)), 11)) == [(0, -1, 2, 2)]
    assert (await answers(cluster, asking((0, 1010)), 11)) == [(0, 1010, 1, 0)]


async def test_a_log_that_was_cut_at_its_beginning(ten: Any) -> None:
    ten.replicas.partition("a", 0).delete_records(7)
    assert await answers(ten, asking((0, EARLIEST), (0, 0))) == [(42, -1, -1, -1)]
    assert await answers(ten, asking((0, EARLIEST))) == [(0, -1, 7, 0)]
    assert await answers(ten, asking((0, 0))) == [(0, 1090, 7, 0)]
    ten.replicas.partition("a", 0).delete_records(10)
    assert await answers(ten, asking((0, EARLIEST))) == [(0, -1, 10, 0)]


async def test_a_log_that_cannot_be_read(ten: Any) -> None:
    partition = ten.replicas.partition("a", 0)
    partition.log.close(clean=False)
    (ten.replicas.directory / "a-0" / "00000000000000000000.log").unlink()
    assert await answers(ten, asking((0, 1010))) == [(56, -1, -1, -1)]
    assert ten.replicas.failed[0][0] is partition
    del ten.replicas.partitions["a", 0]
