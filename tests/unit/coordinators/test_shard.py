"""A shard on a real partition log: answers wait for the watermark, a failed append loads again."""

from pathlib import Path
from typing import Any

import pytest
from unit.coordinators.shards import ME, OTHER, Room, commit, committed, fetch

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.replication.partition import Partition


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    made = Room(tmp_path)
    yield made
    made.log.close(clean=False)


async def test_a_new_shard_knows_what_an_old_one_wrote(room: Room) -> None:
    assert commit(room.shard(), 5).response is not None
    assert committed(fetch(room.shard())) == [5]


async def test_a_long_log_is_loaded_in_pieces_and_refused_meanwhile(room: Room) -> None:
    writer = room.shard()
    for offset in range(40):
        commit(writer, offset, partitions=100, metadata="x" * 200)
    reader = room.shard()
    assert fetch(reader).error is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    while not reader.load_piece():
        assert fetch(reader).error is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    assert committed(fetch(reader)) == [39] * 100


async def test_answers_wait_for_the_high_watermark_also_those_without_records(room: Room) -> None:
    shard = room.shard()
    room.lead([ME, OTHER], epoch=1)
    written, read = commit(shard, 5), fetch(shard)
    assert written.response is None
    assert read.response is None
    room.partition.follower_fetched(OTHER, room.log.log_end_offset)
    room.purgatory.changed(room.partition)
    await read.wait()
    assert written.response is not None
    assert committed(read) == [5]
    assert not room.partition.waiting_produces
    assert len(room.purgatory) == 0


async def test_what_is_not_replicated_in_time_is_told(room: Room) -> None:
    shard = room.shard()
    room.lead([ME, OTHER], epoch=1)
    written = commit(shard, 5)
    await written.wait()
    assert written.error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert not room.partition.waiting_produces


async def test_after_a_failed_append_the_shard_is_what_the_log_says(room: Room) -> None:
    shard = room.shard()
    commit(shard, 5)
    usual = room.partition.append

    def fails(*arguments: Any, **options: Any) -> Any:
        raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)

    room.partition = Failing(room.partition, fails)  # type: ignore[assignment]  # forwards the rest
    shard.replica = room.partition
    assert commit(shard, 6).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    room.partition.append = usual  # type: ignore[method-assign]  # the disk is well again
    assert committed(fetch(shard)) == [5]
    assert commit(shard, 7).response is not None
    assert committed(fetch(shard)) == [7]


class Failing:
    """A partition whose append is another."""

    def __init__(self, partition: Partition, append: Any) -> None:
        self.partition = partition
        self.append = append

    def __getattr__(self, name: str) -> Any:
        return getattr(self.partition, name)


async def test_a_large_decision_goes_into_several_batches(room: Room) -> None:
    shard = room.shard()
    assert commit(shard, 9, partitions=3000, metadata="x" * 1000).response is not None
    loaded = room.shard()
    while not loaded.load_piece():
        pass
    assert committed(fetch(loaded)) == [9] * 3000


async def test_who_is_parked_when_leadership_goes_is_sent_away(room: Room) -> None:
    shard = room.shard()
    room.lead([ME, OTHER], epoch=1)
    written = commit(shard, 5)
    shard.stop()
    assert written.error is ErrorCode.NOT_COORDINATOR
    assert commit(shard, 6).error is ErrorCode.NOT_COORDINATOR
    assert len(room.purgatory) == 0
