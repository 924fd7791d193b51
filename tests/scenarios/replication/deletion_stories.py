"""DeleteRecords is answered when every live replica has given up what it deletes."""

import asyncio

from harness.replicated import TOPIC, World
from scenarios.replication.replication_stories import NONE, opened

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)


async def delete(world: World, offset: int) -> tuple[ErrorCode, int, float]:
    """Ask broker 1 for a deletion: its error, the low watermark, and how long it took."""
    wanted = DeleteRecordsPartition(partition_index=0, offset=offset)
    request = DeleteRecordsRequest(
        topics=[DeleteRecordsTopic(name=TOPIC, partitions=[wanted])], timeout_ms=20_000
    )
    began = world.loop.now
    response = await world.call(1, request, DeleteRecordsResponse)
    (found,) = response.topics[0].partitions
    return ErrorCode(found.error_code), found.low_watermark, world.loop.now - began


async def a_deletion_waits_for_the_followers(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a", b"b", b"c")
    error, low_watermark, took_s = await delete(world, 2)
    assert (error, low_watermark) == (NONE, 2)
    assert all(node.partition().log.log_start_offset == 2 for node in world.nodes.values())
    # Followers need not wait for the end of their fetch to hear of it.
    assert took_s < 0.1
    world.nodes[3].machine.pause()
    assert (await delete(world, 3))[:2] == (ErrorCode.REQUEST_TIMED_OUT, 2)
    assert world.nodes[2].partition().log.log_start_offset == 3


async def a_deletion_waits_for_the_living_only(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a", b"b", b"c")
    await delete(world, 1)
    world.nodes[3].machine.pause()
    waiting = asyncio.ensure_future(delete(world, 2))
    await asyncio.sleep(1)
    assert not waiting.done()
    world.fence(3)
    error, low_watermark, took_s = await waiting
    assert (error, low_watermark) == (NONE, 2)
    assert took_s < 1.1


async def a_deletion_ends_when_the_leader_has_gone(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a", b"b", b"c")
    await delete(world, 1)
    world.nodes[3].machine.pause()
    waiting = asyncio.ensure_future(delete(world, 2))
    await asyncio.sleep(1)
    world.change(leader=2)
    error, low_watermark, took_s = await waiting
    assert (error, low_watermark) == (ErrorCode.NOT_LEADER_OR_FOLLOWER, -1)
    assert took_s < 1.1


STORIES = [
    a_deletion_waits_for_the_followers,
    a_deletion_waits_for_the_living_only,
    a_deletion_ends_when_the_leader_has_gone,
]
