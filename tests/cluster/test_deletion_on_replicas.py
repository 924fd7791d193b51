"""DeleteRecords in a cluster: what it answers for, every live replica has given up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.cluster import RunningCluster
from harness.peer import Topic, batch_of

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCluster]:
    directory: Path = tmp_path_factory.mktemp("deletion")
    with RunningCluster(directory, first_id=1) as running:
        running.create_topic("events", assignment=[[1, 2, 3]])
        with running[1].peer(30) as peer:
            topic = Topic(peer, "events")
            for _ in range(10):
                assert topic.produce(batch_of(b"x")).error_code == 0
        yield running


def delete(cluster: RunningCluster, offset: int, timeout_ms: int) -> tuple[int, int]:
    wanted = DeleteRecordsPartition(partition_index=0, offset=offset)
    topic = DeleteRecordsTopic(name="events", partitions=[wanted])
    with cluster[1].peer(40) as peer:
        request = DeleteRecordsRequest(topics=[topic], timeout_ms=timeout_ms)
        (found,) = peer.call(request, 2).topics
    (partition,) = found.partitions
    return partition.error_code, partition.low_watermark


def test_all_replicas_have_deleted_when_it_is_answered(cluster: RunningCluster) -> None:
    assert delete(cluster, 2, 30_000) == (0, 2)
    assert delete(cluster, 1, 30_000) == (0, 2)


def test_a_replica_that_says_nothing_is_waited_for(cluster: RunningCluster) -> None:
    assert delete(cluster, 3, 30_000) == (0, 3)
    cluster[3].pause()
    try:
        assert delete(cluster, 5, 1500) == (ErrorCode.REQUEST_TIMED_OUT, 3)
    finally:
        cluster[3].resume()
    # The leader has deleted them all the same.
    assert delete(cluster, 4, 30_000) == (0, 5)
    assert delete(cluster, -1, 30_000) == (0, 10)
