"""What of an answer an application sees: no markers, nothing aborted, nothing from before."""

from collections.abc import AsyncIterator

import pytest

from minikafka.protocol.messages.fetch import AbortedTransaction, PartitionData
from minikafka.records.builder import build_batch
from minikafka.records.control import EndTransactionMarker, end_transaction_batch
from minikafka_client.cluster import Cluster
from minikafka_client.config import ClientConfig
from minikafka_client.errors import CorruptData
from minikafka_client.fetched import TopicPartition
from minikafka_client.fetcher import READ_COMMITTED, READ_UNCOMMITTED, Fetcher, FetchSettings

PLACE = TopicPartition("t", 0)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster(ClientConfig((("127.0.0.1", 1),)))
    yield made
    await made.close()


def fetcher(cluster: Cluster, isolation_level: int) -> Fetcher:
    settings = FetchSettings(
        max_wait_ms=1,
        min_bytes=1,
        max_bytes=1 << 20,
        partition_max_bytes=1 << 20,
        isolation_level=isolation_level,
        check_crcs=True,
        reset="error",
    )
    return Fetcher(cluster, settings)


def data(offset: int, producer: int, *values: bytes) -> bytes:
    return build_batch(
        [(1, None, value, ()) for value in values],
        base_offset=offset,
        producer_id=producer,
        producer_epoch=0,
        base_sequence=0,
        transactional=producer >= 0,
    )


def marker(offset: int, producer: int, committed: bool) -> bytes:
    return end_transaction_batch(
        EndTransactionMarker(committed, 0),
        producer_id=producer,
        producer_epoch=0,
        timestamp_ms=1,
        base_offset=offset,
    )


LOG = b"".join(
    (
        data(0, -1, b"plain", b"plain2"),
        data(2, 7, b"aborted"),
        data(3, 8, b"committed"),
        marker(4, 7, committed=False),
        data(5, 7, b"again"),
        marker(6, 8, committed=True),
        marker(7, 7, committed=True),
    )
)


def seen(fetcher: Fetcher, answer: PartitionData, offset: int) -> list[bytes | None]:
    position = fetcher.place_at(PLACE, offset)
    fetcher.buffer(position, answer)
    found: list[bytes | None] = []
    while (taken := fetcher.take()) is not None:
        found += taken[1].values()
    assert position.fetch_offset == 8
    return found


async def test_committed_records_only(cluster: Cluster) -> None:
    aborted = [AbortedTransaction(producer_id=7, first_offset=2)]
    answer = PartitionData(records=memoryview(LOG), aborted_transactions=aborted)
    found = seen(fetcher(cluster, READ_COMMITTED), answer, 0)
    assert found == [b"plain", b"plain2", b"committed", b"again"]


async def test_all_records_without_markers(cluster: Cluster) -> None:
    answer = PartitionData(records=memoryview(LOG), aborted_transactions=None)
    found = seen(fetcher(cluster, READ_UNCOMMITTED), answer, 1)
    assert found == [b"plain2", b"aborted", b"committed", b"again"]


async def test_what_is_sound_comes_before_what_is_damaged(cluster: Cluster) -> None:
    damaged = bytearray(data(2, -1, b"evil"))
    damaged[-3] ^= 1
    records = memoryview(data(0, -1, b"a", b"b") + bytes(damaged))
    reading = fetcher(cluster, READ_UNCOMMITTED)
    position = reading.place_at(PLACE, 0)
    reading.buffer(position, PartitionData(records=records))
    taken = reading.take()
    assert taken is not None
    assert taken[1].values() == [b"a", b"b"]
    with pytest.raises(CorruptData):
        reading.take()
    assert position.fetch_offset == 2
