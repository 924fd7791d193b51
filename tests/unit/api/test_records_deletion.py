"""DeleteRecords: the log start moves, and never over what is not committed."""

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)


async def delete(
    cluster: Any, *wanted: tuple[int, int], topic: str = "a", version: int = 2
) -> list[tuple[int, int, int]]:
    """(partition, error code, low watermark) of each partition answered."""
    request = DeleteRecordsRequest(
        topics=[
            DeleteRecordsTopic(
                name=topic,
                partitions=[
                    DeleteRecordsPartition(partition_index=index, offset=offset)
                    for index, offset in wanted
                ],
            )
        ],
        timeout_ms=1000,
    )
    (answer,) = (await cluster.ask(request, version)).topics
    return [(p.partition_index, p.error_code, p.low_watermark) for p in answer.partitions]


@pytest.fixture
async def ten(cluster: Any) -> Any:
    cluster.add_topic("a", partitions=2)
    cluster.append("a", *range(10))
    return cluster


@pytest.mark.parametrize("version", range(3))
async def test_the_low_watermark_is_the_new_beginning(ten: Any, version: int) -> None:
    assert await delete(ten, (0, 4), version=version) == [(0, 0, 4)]
    assert ten.replicas.partition("a", 0).log.log_start_offset == 4


async def test_the_beginning_never_moves_back(ten: Any) -> None:
    await delete(ten, (0, 4))
    assert await delete(ten, (0, 1)) == [(0, 0, 4)]


async def test_minus_one_is_the_high_watermark(ten: Any) -> None:
    assert await delete(ten, (0, -1), (1, -1)) == [(0, 0, 10), (1, 0, 0)]


@pytest.mark.parametrize("offset", [11, -2])
async def test_what_is_not_there_cannot_be_deleted(ten: Any, offset: int) -> None:
    assert await delete(ten, (0, offset)) == [(0, ErrorCode.OFFSET_OUT_OF_RANGE, -1)]


async def test_what_is_not_committed_cannot_be_deleted(ten: Any) -> None:
    ten.replicas.partition("a", 0).high_watermark = 5
    assert await delete(ten, (0, 6)) == [(0, 1, -1)]
    assert await delete(ten, (0, -1)) == [(0, 0, 5)]


async def test_one_bad_partition_fails_alone_and_the_last_offset_counts(ten: Any) -> None:
    assert await delete(ten, (9, 0), (0, -2), (0, 3)) == [(9, 3, -1), (0, 0, 3)]


async def test_compacted_and_internal_topics_are_left_alone(ten: Any) -> None:
    ten.add_topic("__consumer_offsets")
    ten.configure("a", "cleanup.policy", "compact")
    assert await delete(ten, (0, 1)) == [(0, ErrorCode.POLICY_VIOLATION, -1)]
    ten.configure("a", "cleanup.policy", "compact,delete")
    assert await delete(ten, (0, 1)) == [(0, 0, 1)]
    assert await delete(ten, (0, 0), topic="__consumer_offsets") == [
        (0, ErrorCode.INVALID_TOPIC_EXCEPTION, -1)
    ]
