"""Fetch over a real socket, without sessions: what is cut where, what is an error, what waits.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka).
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.peer import (
    Peer,
    Topic,
    batch_of,
    batch_of_size,
    batches_of,
    fetch_request,
    framed,
    records_of,
)

from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from minikafka.protocol.messages.fetch import FetchRequest, ReplicaState
from minikafka.records.batch import INT16, read_header
from minikafka.records.compression import Codec

BATCH_BYTES = 3151
UNKNOWN_TOPIC = 3
UNKNOWN_ID = 100
TICK_S = 0.001
"""Waits end at a whole millisecond of the broker's clock, as in Apache Kafka: up to one early."""


@pytest.fixture
def peer(shared_broker: RunningBroker) -> Iterator[Peer]:
    with Peer(shared_broker.host, shared_broker.port) as connected:
        yield connected


@pytest.fixture
def topic(peer: Peer) -> Topic:
    """Three partitions with ten batches of 3151 bytes each."""
    topic = Topic.create(peer, f"fetch-{uuid.uuid4()}", 3)
    batch = batch_of_size(BATCH_BYTES)
    for _ in range(10):
        peer.send(topic.produce_request(dict.fromkeys(range(3), batch), acks=1), 12)
        peer.receive()
    return topic


def sizes(peer: Peer, request: FetchRequest, version: int = 12) -> dict[int, int]:
    """Bytes answered for each partition of the one topic, in the order of the answer."""
    (answered,) = peer.call(request, version).responses
    return {p.partition_index: len(p.records) for p in answered.partitions}


# --- how much


@pytest.mark.parametrize("limit", [5000, 7000, 10000, 3151, 6302, 31510])
@pytest.mark.parametrize("version", [4, 12, 18])
def test_a_partition_is_cut_at_the_exact_byte(topic: Topic, limit: int, version: int) -> None:
    wanted = topic.fetch_topic({0: 0}, version, partition_max_bytes=limit)
    assert sizes(topic.peer, fetch_request(wanted), version) == {0: limit}


@pytest.mark.parametrize("limit", [0, 1, 100, 3150])
def test_the_first_batch_comes_whole(topic: Topic, limit: int) -> None:
    by_partition = fetch_request(topic.fetch_topic({0: 0, 1: 0}, partition_max_bytes=limit))
    by_request = fetch_request(topic.fetch_topic({0: 0, 1: 0}), max_bytes=limit)
    for request in (by_partition, by_request):
        assert sizes(topic.peer, request) == {0: BATCH_BYTES, 1: 0}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (3151, [3151, 0, 0]),
        (6301, [6301, 0, 0]),
        (31510, [31510, 0, 0]),
        (31511, [31510, 0, 0]),
        (34660, [31510, 0, 0]),
        (34661, [31510, 3151, 0]),
        (40000, [31510, 8490, 0]),
        (94530, [31510, 31510, 31510]),
    ],
)
def test_a_later_partition_gets_nothing_if_its_first_batch_does_not_fit(
    topic: Topic, limit: int, expected: list[int]
) -> None:
    wanted = topic.fetch_topic({0: 0, 1: 0, 2: 0})
    answered = sizes(topic.peer, fetch_request(wanted, max_bytes=limit))
    assert [answered[index] for index in range(3)] == expected


def test_a_partition_without_data_is_not_the_first(topic: Topic) -> None:
    wanted = topic.fetch_topic({0: 10, 1: 0, 2: 0}, partition_max_bytes=1)
    answered = sizes(topic.peer, fetch_request(wanted))
    assert [answered[index] for index in range(3)] == [0, BATCH_BYTES, 0]


@pytest.mark.parametrize("version", [4, 11, 12, 18])
def test_an_offset_inside_a_batch_brings_the_whole_batch(peer: Peer, version: int) -> None:
    topic = Topic.create(peer, f"fetch-{uuid.uuid4()}")
    for values in ((b"a", b"b", b"c"), (b"d",)):
        topic.produce(batch_of(*values))
    for offset, first in ((0, 0), (1, 0), (2, 0), (3, 3)):
        answer = topic.fetch(offset, version)
        assert records_of(answer.records)[0].offset == first
        assert read_header(batches_of(answer.records)[-1]).next_offset == 4


def test_what_is_too_large_for_one_piece_comes_whole(topic: Topic) -> None:
    big = batch_of_size(1_000_000)
    offsets = [topic.produce(big).base_offset for _ in range(5)]
    records = topic.fetch(offsets[0], partition_max_bytes=50 << 20).records
    assert [bytes(batch[61:]) for batch in batches_of(records)] == [big[61:]] * 5


# --- fields


def test_at_the_end_there_is_nothing_but_offsets(topic: Topic) -> None:
    answer = topic.fetch(10)
    assert answer.error_code == 0
    assert len(answer.records) == 0
    assert answer.records is not None
    assert (answer.high_watermark, answer.last_stable_offset, answer.log_start_offset) == (
        10,
        10,
        0,
    )
    assert answer.preferred_read_replica == -1
    assert answer.diverging_epoch is None or answer.diverging_epoch.epoch == -1


@pytest.mark.parametrize(("isolation", "aborted"), [(0, None), (1, [])])
@pytest.mark.parametrize("offset", [0, 10])
def test_only_read_committed_lists_aborted_transactions(
    topic: Topic, isolation: int, aborted: list[Any] | None, offset: int
) -> None:
    request = fetch_request(topic.fetch_topic({0: offset}), isolation_level=isolation)
    (partition,) = topic.peer.call(request, 12).responses[0].partitions
    assert partition.aborted_transactions == aborted
    assert partition.last_stable_offset == 10


@pytest.mark.parametrize("version", [0, 1, 2, 3, 19, -1])
def test_versions_that_nobody_serves_close_the_connection(peer: Peer, version: int) -> None:
    frame = bytearray(framed(fetch_request(), 4))
    frame[6:8] = INT16.pack(version)
    peer.socket.sendall(frame)
    assert peer.is_closed()


# --- errors


@pytest.mark.parametrize("version", [4, 12, 13, 18])
@pytest.mark.parametrize("offset", [-1, -5, 11, 2**62])
def test_an_offset_out_of_range_tells_no_offsets(topic: Topic, version: int, offset: int) -> None:
    answer = topic.fetch(offset, version, max_wait_ms=60_000)  # answered at once
    assert answer.error_code == 1
    assert (answer.high_watermark, answer.last_stable_offset) == (-1, -1)
    assert answer.log_start_offset == -1
    assert len(answer.records) == 0
    assert answer.aborted_transactions is None


def test_an_offset_below_the_log_start_is_out_of_range(topic: Topic) -> None:
    delete_records(topic, 4)
    assert topic.fetch(3).error_code == 1
    answer = topic.fetch(4)
    assert (answer.error_code, answer.log_start_offset) == (0, 4)
    assert batches_of(answer.records)[0][:8] == bytes([0, 0, 0, 0, 0, 0, 0, 4])


def test_deleting_within_a_batch_still_brings_the_whole_batch(peer: Peer) -> None:
    topic = Topic.create(peer, f"fetch-{uuid.uuid4()}")
    topic.produce(batch_of(b"a", b"b", b"c"))
    delete_records(topic, 2)
    assert topic.fetch(1).error_code == 1
    answer = topic.fetch(2)
    assert records_of(answer.records)[0].offset == 0
    assert answer.log_start_offset == 2


def delete_records(topic: Topic, offset: int) -> None:
    partition = DeleteRecordsPartition(partition_index=0, offset=offset)
    request = DeleteRecordsRequest(
        topics=[DeleteRecordsTopic(name=topic.name, partitions=[partition])], timeout_ms=5000
    )
    (answered,) = topic.peer.call(request, 2).topics
    assert answered.partitions[0].error_code == 0
    assert answered.partitions[0].low_watermark == offset


@pytest.mark.parametrize("isolation", [0, 1])
def test_unknown_topics_ids_and_partitions(topic: Topic, isolation: int) -> None:
    unknown = Topic(topic.peer, f"unknown-{uuid.uuid4()}", uuid.UUID(int=9 << 64))
    unnamed = Topic(topic.peer, "", uuid.UUID(int=0))
    for version, asked, partition, code in (
        (4, unknown, 0, UNKNOWN_TOPIC),
        (12, unknown, 0, UNKNOWN_TOPIC),
        (12, unnamed, 0, UNKNOWN_TOPIC),
        (13, unknown, 0, UNKNOWN_ID),
        (18, unnamed, 0, UNKNOWN_ID),
        (12, topic, 99, UNKNOWN_TOPIC),
        (13, topic, 99, UNKNOWN_TOPIC),
        (12, topic, -1, UNKNOWN_TOPIC),
    ):
        answer = asked.fetch(
            0, version, partition=partition, isolation_level=isolation, max_wait_ms=60_000
        )
        assert answer.error_code == code, (version, asked.name, partition)
        assert (answer.high_watermark, answer.log_start_offset) == (-1, -1)
        assert len(answer.records) == 0
        assert answer.aborted_transactions == []


@pytest.mark.parametrize(("epoch", "code"), [(-1, 0), (0, 0), (1, 75), (7, 75), (-2, 0)])
def test_the_clients_leader_epoch_is_checked(topic: Topic, epoch: int, code: int) -> None:
    for version in (9, 12, 13):
        answer = topic.fetch(0, version, current_leader_epoch=epoch, max_wait_ms=60_000)
        assert answer.error_code == code
        assert bool(answer.records) == (code == 0)


@pytest.mark.parametrize("version", [12, 13, 18])
def test_a_fetched_epoch_is_compared(topic: Topic, version: int) -> None:
    """KIP-595: this log knows epoch 0 only, which ends at 10."""
    agrees = topic.fetch(5, version, last_fetched_epoch=0)
    assert (agrees.error_code, bool(agrees.records)) == (0, True)
    beyond = topic.fetch(15, version, last_fetched_epoch=0, max_wait_ms=60_000)
    assert (beyond.error_code, len(beyond.records), beyond.high_watermark) == (0, 0, 10)
    assert (beyond.diverging_epoch.epoch, beyond.diverging_epoch.end_offset) == (0, 10)
    never_had = topic.fetch(5, version, last_fetched_epoch=5)
    assert never_had.error_code == 1


def test_a_deleted_offset_is_out_of_range_whatever_epoch_it_had(topic: Topic) -> None:
    delete_records(topic, 4)
    assert topic.fetch(3, last_fetched_epoch=0).error_code == 1


@pytest.mark.parametrize("replica_id", [0, 1, 99])
@pytest.mark.parametrize("version", [11, 14, 15, 18])
def test_a_fetching_replica_must_be_another_one_of_the_partition(
    topic: Topic, replica_id: int, version: int
) -> None:
    request = fetch_request(topic.fetch_topic({0: 0}, version), max_wait_ms=60_000)
    if version >= 15:
        request.replica_state = ReplicaState(replica_id=replica_id, replica_epoch=-1)
    else:
        request.replica_id = replica_id
    response = topic.peer.call(request, version)
    assert response.error_code == 0
    (partition,) = response.responses[0].partitions
    assert (partition.error_code, len(partition.records)) == (6, 0)
    request.topics = [topic.fetch_topic({0: 0}, version, current_leader_epoch=0)]
    (partition,) = topic.peer.call(request, version).responses[0].partitions
    assert (partition.error_code, len(partition.records)) == (75, 0)


def test_of_two_mentions_of_a_partition_the_last_counts(topic: Topic) -> None:
    wanted = topic.fetch_topic({0: 9})
    wanted.partitions += topic.fetch_topic({0: 8}).partitions
    assert sizes(topic.peer, fetch_request(wanted)) == {0: 2 * BATCH_BYTES}
    response = topic.peer.call(
        fetch_request(topic.fetch_topic({0: 9, 1: 9}), topic.fetch_topic({0: 8})), 12
    )
    answered = [(p.partition_index, len(p.records)) for p in response.responses[0].partitions]
    assert answered == [(0, 2 * BATCH_BYTES), (1, BATCH_BYTES)]


@pytest.mark.parametrize("version", [4, 7, 12, 13])
@pytest.mark.parametrize("isolation", [-1, 2])
def test_an_unknown_isolation_is_an_unknown_error(
    topic: Topic, version: int, isolation: int
) -> None:
    request = fetch_request(topic.fetch_topic({0: 0}, version), isolation_level=isolation)
    response = topic.peer.call(request, version)
    assert response.error_code == (-1 if version >= 7 else 0)
    codes = [p.error_code for answered in response.responses for p in answered.partitions]
    assert codes == ([-1] if version < 13 else [])


@pytest.mark.parametrize("version", [4, 9, 10])
@pytest.mark.parametrize("configs", [{}, {"compression.type": "zstd"}], ids=["batch", "topic"])
def test_zstd_is_served_in_every_version(peer: Peer, version: int, configs: dict[str, str]) -> None:
    """Earlier brokers answered 76 below version 10; Kafka 4 does not ask."""
    topic = Topic.create(peer, f"zstd-{uuid.uuid4()}", 1, configs)
    topic.produce(batch_of(b"x" * 500, codec=Codec.ZSTD))
    answer = topic.fetch(0, version)
    assert answer.error_code == 0
    assert [record.value for record in records_of(answer.records)] == [b"x" * 500]


# --- how long


def seconds(peer: Peer, request: FetchRequest, version: int = 12) -> float:
    started = time.perf_counter()
    peer.call(request, version)
    return time.perf_counter() - started


def test_below_the_minimum_it_waits(topic: Topic) -> None:
    wanted = topic.fetch_topic({0: 9, 1: 10})
    assert (
        0.2 - TICK_S
        <= seconds(topic.peer, fetch_request(wanted, min_bytes=3152, max_wait_ms=200))
        < 2
    )
    for min_bytes in (3151, 1, 0, -1):
        request = fetch_request(wanted, min_bytes=min_bytes, max_wait_ms=60_000)
        topic.peer.call(request, 12)
    at_the_end = topic.fetch_topic({0: 10, 1: 10})
    for min_bytes in (0, -1):
        request = fetch_request(at_the_end, min_bytes=min_bytes, max_wait_ms=60_000)
        topic.peer.call(request, 12)
    assert 0.1 - TICK_S <= seconds(topic.peer, fetch_request(at_the_end, max_wait_ms=100)) < 2


def test_a_limit_below_the_minimum_is_answered_when_it_is_reached(topic: Topic) -> None:
    wanted = topic.fetch_topic({0: 0}, partition_max_bytes=5000)
    assert (
        0.1 - TICK_S
        <= seconds(topic.peer, fetch_request(wanted, min_bytes=5001, max_wait_ms=100))
        < 2
    )


def test_nothing_to_fetch_is_answered_at_once(peer: Peer) -> None:
    assert peer.call(fetch_request(max_wait_ms=60_000), 12).responses == []


@pytest.mark.parametrize("max_wait_ms", [0, -1])
def test_without_patience_there_is_an_answer_at_once(topic: Topic, max_wait_ms: int) -> None:
    answer = topic.fetch(10, max_wait_ms=max_wait_ms, min_bytes=100)
    assert answer.high_watermark == 10


def test_an_error_found_while_reading_does_not_wait(topic: Topic) -> None:
    wanted = topic.fetch_topic({0: 10, 1: 99})
    (answered,) = topic.peer.call(fetch_request(wanted, max_wait_ms=60_000), 12).responses
    codes = {p.partition_index: p.error_code for p in answered.partitions}
    assert codes == {0: 0, 1: 1}


@pytest.mark.parametrize("version", [12, 13])
def test_a_name_that_is_not_known_waits_beside_one_that_is(topic: Topic, version: int) -> None:
    known = topic.fetch_topic({0: 10}, version)
    unknown = Topic(topic.peer, "unknown", uuid.UUID(int=9 << 64)).fetch_topic({0: 0}, version)
    request = fetch_request(known, unknown, max_wait_ms=150)
    assert 0.15 - TICK_S <= seconds(topic.peer, request, version) < 2
    alone = fetch_request(unknown, max_wait_ms=60_000)
    topic.peer.call(alone, version)
