"""Replicas that are moved come at the rate that is set, and nobody else has to wait for it."""

import asyncio

from harness.replicated import TOPIC, World
from scenarios.replication.replication_stories import NONE, isr, opened, settled

TOPIC_CONFIGS, BROKER_CONFIGS = 2, 4
RATE = 20_000
BATCH = b"x" * 5_000
BATCHES = 40
WHOLE_S = BATCHES * len(BATCH) / RATE


async def moved(world: World) -> float:
    """Take broker 3 in as a replica while others produce; the seconds until it is in sync."""
    began = world.loop.now
    world.change(replicas=[1, 2, 3], adding_replicas=[3])
    while isr(world) != [1, 2, 3]:
        asked = world.loop.now
        assert (await world.produce(1, b"beside"))[0] == NONE
        assert world.loop.now - asked < 0.1
        assert world.loop.now - began < 3 * WHOLE_S
        await asyncio.sleep(0.2)
    return world.loop.now - began


async def filled(world: World) -> None:
    await opened(world, 1, 2)
    for _ in range(BATCHES):
        await world.produce(1, BATCH)


async def a_move_without_a_throttle_takes_a_moment(world: World) -> None:
    await filled(world)
    # Without a rate, or without replicas that it is for.
    world.configure(TOPIC_CONFIGS, TOPIC, leader_replication_throttled_replicas="*")
    world.configure(BROKER_CONFIGS, "3", follower_replication_throttled_rate="1")
    assert await moved(world) < 1


async def a_leader_sends_at_its_rate(world: World) -> None:
    await filled(world)
    world.configure(TOPIC_CONFIGS, TOPIC, leader_replication_throttled_replicas="0:1,7:2")
    world.configure(BROKER_CONFIGS, "1", leader_replication_throttled_rate=str(RATE))
    # What it sends to those in sync counts, too, without having to wait.
    assert 0.8 * WHOLE_S <= await moved(world) <= 1.3 * WHOLE_S


async def a_follower_fetches_at_its_rate(world: World) -> None:
    await filled(world)
    world.configure(TOPIC_CONFIGS, TOPIC, follower_replication_throttled_replicas="0:3")
    world.configure(BROKER_CONFIGS, "", follower_replication_throttled_rate=str(RATE))
    assert 0.8 * WHOLE_S <= await moved(world) <= 1.3 * WHOLE_S
    # In sync it is left alone.
    began = world.loop.now
    for _ in range(BATCHES):
        assert (await world.produce(1, BATCH))[0] == NONE
    assert world.loop.now - began < 1
    assert isr(world) == [1, 2, 3]


async def a_throttle_that_is_taken_away_holds_nobody_back(world: World) -> None:
    await filled(world)
    world.configure(TOPIC_CONFIGS, TOPIC, leader_replication_throttled_replicas="*")
    world.configure(BROKER_CONFIGS, "", leader_replication_throttled_rate="1")
    world.change(replicas=[1, 2, 3], adding_replicas=[3])
    await asyncio.sleep(5)
    assert isr(world) == [1, 2]
    world.configure(BROKER_CONFIGS, "", leader_replication_throttled_rate=str(2**63 - 1))
    assert await world.until(lambda: isr(world) == [1, 2, 3]) < 1


async def the_number_of_fetchers_changes(world: World) -> None:
    """Partitions go on from where they are, on other connections."""
    for node in world.nodes.values():
        await node.start()
    world.create(1, 2, 3, partitions=6)
    await settled(world, 6)
    for number, count in enumerate(("4", "2", "5", "1")):
        for index in range(6):
            acked = await asyncio.gather(
                world.produce(1, b"%d" % number, index=index),
                world.produce(1, b"%d" % number, index=index),
            )
            assert [error for error, _ in acked] == [NONE, NONE]
            world.configure(BROKER_CONFIGS, "", num_replica_fetchers=count)
    for index in range(6):
        values = [b"%d" % (number // 2) for number in range(8)]
        for node in world.nodes.values():
            assert node.values(index) == values
    assert world.story == []


STORIES = [
    a_move_without_a_throttle_takes_a_moment,
    a_leader_sends_at_its_rate,
    a_follower_fetches_at_its_rate,
    a_throttle_that_is_taken_away_holds_nobody_back,
    the_number_of_fetchers_changes,
]
