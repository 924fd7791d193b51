"""Who is in sync: lag, joining and leaving, proposals to the controller and their fate."""

import asyncio

from harness.replicated import TOPIC, World
from scenarios.replication.replication_stories import NONE, fetch, isr, opened, settled

from minikafka.protocol.errors import ErrorCode, KafkaError


async def who_lags_leaves_and_comes_back(world: World) -> None:
    """`replica.lag.time.max.ms` is 3000 here, as in Kafka's trace."""
    await opened(world)
    await world.produce(1, b"a")
    await asyncio.sleep(2)
    world.nodes[3].machine.pause()
    stopped = world.loop.now
    assert await world.produce(1, b"b") == (NONE, 1)
    # Its fetch was parked when the record came: it lags from then on.
    assert 2.4 <= world.loop.now - stopped <= 4.6
    assert world.story == ["orders-0: 1 proposes [1, 2]"]
    await world.until(lambda: isr(world) == [1, 2])
    assert await world.produce(1, b"c") == (NONE, 2)
    world.nodes[3].machine.resume()
    assert await world.until(lambda: isr(world) == [1, 2, 3]) < 1
    assert world.nodes[3].values() == [b"a", b"b", b"c"]
    assert world.story == ["orders-0: 1 proposes [1, 2]", "orders-0: 1 proposes [1, 2, 3]"]


async def who_has_everything_never_lags(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    await settled(world)
    world.nodes[3].machine.pause()
    await asyncio.sleep(40)
    assert isr(world) == [1, 2, 3]
    assert world.story == []


async def a_busy_follower_that_is_always_a_little_behind_stays(world: World) -> None:
    await opened(world)
    world.loop.network.link("b3", "b1").latency_s = 0.2
    until = world.loop.now + 12
    while world.loop.now < until:
        assert (await world.produce(1, b"x", acks=1))[0] == NONE
        await asyncio.sleep(0.05)
    assert isr(world) == [1, 2, 3]
    assert world.story == []


async def below_the_minimum_nothing_is_written(world: World) -> None:
    await opened(world, min_insync_replicas="2")
    for node_id in (2, 3):
        world.nodes[node_id].crash()
        world.fence(node_id)
    world.change(isr=[1])
    await world.until(lambda: len(world.nodes[1].partition().isr) == 1)
    assert await world.produce(1, b"a") == (ErrorCode.NOT_ENOUGH_REPLICAS, -1)
    assert await world.produce(1, b"b", acks=1) == (NONE, 0)
    assert world.nodes[1].partition().high_watermark == 0
    await world.nodes[2].start()
    await world.until(lambda: len(world.nodes[1].partition().isr) == 2)
    assert await world.produce(1, b"c") == (NONE, 1)
    assert world.nodes[2].values() == [b"b", b"c"]


async def the_fenced_do_not_join(world: World) -> None:
    await opened(world)
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    await world.nodes[3].start(fenced=True)
    await settled(world)
    await asyncio.sleep(5)
    assert isr(world) == [1, 2]
    assert world.story == []
    world.fence(3, fenced=False)
    # Its fetches bring nothing new, so the metadata must be what makes the leader look again.
    assert await world.until(lambda: isr(world) == [1, 2, 3]) < 0.2


async def proposals_are_repeated_until_they_are_answered(world: World) -> None:
    await opened(world)
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    world.refusals = [
        KafkaError(ErrorCode.NOT_CONTROLLER),
        KafkaError(ErrorCode.REQUEST_TIMED_OUT),
        ErrorCode.UNKNOWN_SERVER_ERROR,
    ]
    await world.nodes[3].start()
    await world.until(lambda: isr(world) == [1, 2, 3])
    assert [line.partition(": ")[2] for line in world.story] == [
        str(KafkaError(ErrorCode.NOT_CONTROLLER)),
        str(KafkaError(ErrorCode.REQUEST_TIMED_OUT)),
        "1 proposes [1, 2, 3]: UNKNOWN_SERVER_ERROR",
        "1 proposes [1, 2, 3]",
    ]


async def what_is_proposed_counts_until_it_is_decided(world: World) -> None:
    """A follower on its way into the ISR may be the next leader before its leader knows."""
    await opened(world)
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    await world.produce(1, b"a")
    world.controller_delay_s = 2.0
    await world.nodes[3].start()
    leader = world.nodes[1].partition()
    await world.until(lambda: leader.pending_isr is not None)
    assert leader.maximal_isr == {1, 2, 3}
    world.loop.network.cut("b1", "b3")
    waiting = asyncio.ensure_future(world.produce(1, b"b"))
    await asyncio.sleep(1)
    assert not waiting.done()
    assert leader.high_watermark == 1
    world.loop.network.heal("b1", "b3")
    assert (await waiting)[0] == NONE


async def who_is_proposed_to_leave_counts_until_it_is_decided(world: World) -> None:
    await opened(world)
    world.controller_delay_s = 5.0
    world.nodes[3].machine.pause()
    waiting = asyncio.ensure_future(world.produce(1, b"a"))
    leader = world.nodes[1].partition()
    await world.until(lambda: leader.pending_isr == {1, 2})
    await world.produce(1, b"b", acks=1)
    await asyncio.sleep(3)
    assert not waiting.done()
    assert await waiting == (NONE, 0)
    assert isr(world) == [1, 2]


async def a_removed_replica_counts_no_more(world: World) -> None:
    await opened(world)
    world.nodes[3].machine.pause()
    waiting = asyncio.ensure_future(world.produce(1, b"a"))
    await asyncio.sleep(0.1)
    world.change(replicas=[1, 2], isr=[1, 2])
    began = world.loop.now
    assert await waiting == (NONE, 0)
    assert world.loop.now - began < 0.1
    world.nodes[3].machine.resume()
    await asyncio.sleep(1)
    assert (TOPIC, 0) not in world.nodes[3].replicas.homes
    # One that was a replica does not fetch as one any more.
    answer = await fetch(world, 1, 0, replica={"replica_id": 3, "replica_epoch": -1})
    assert answer.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def a_reassigned_replica_catches_up_and_leads(world: World) -> None:
    await opened(world, 1, 2)
    for number in range(5):
        await world.produce(1, b"v%d" % number)
    world.change(replicas=[3, 2, 1], adding_replicas=[3], removing_replicas=[1])
    await world.until(lambda: isr(world) == [1, 2, 3])
    world.change(replicas=[3, 2], isr=[2, 3], leader=3, adding_replicas=[], removing_replicas=[])
    await world.until(lambda: world.nodes[3].partition().is_leader)
    assert await world.produce(3, b"v5") == (NONE, 5)
    assert world.nodes[2].values() == world.nodes[3].values() == [b"v%d" % n for n in range(6)]
    assert (TOPIC, 0) not in world.nodes[1].replicas.homes


async def an_old_incarnation_is_not_counted(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    old = world.nodes[3].broker_epoch
    world.nodes[3].crash()
    world.register(world.nodes[3])
    await asyncio.sleep(0.1)
    zombie = {"replica_id": 3, "replica_epoch": old}
    answer = await fetch(world, 1, 1, replica=zombie, current_leader_epoch=0)
    assert answer.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def a_fetch_that_came_before_its_topic_is_counted(world: World) -> None:
    """The leader hears of a topic while its followers' fetches, which name it, are parked."""
    await opened(world)
    world.nodes[1].metadata_delay_s = 0.6
    topics = [f"late-{number}" for number in range(5)]
    for topic in topics:
        world.create(1, 2, 3, topic=topic)
        await asyncio.sleep(0.17)
    await asyncio.sleep(10)
    for topic in topics:
        followers = world.nodes[1].partition(topic=topic).followers.values()
        assert [follower.end_offset for follower in followers] == [0, 0]
    assert world.story == []


STORIES = [
    who_lags_leaves_and_comes_back,
    who_has_everything_never_lags,
    a_busy_follower_that_is_always_a_little_behind_stays,
    below_the_minimum_nothing_is_written,
    the_fenced_do_not_join,
    proposals_are_repeated_until_they_are_answered,
    what_is_proposed_counts_until_it_is_decided,
    who_is_proposed_to_leave_counts_until_it_is_decided,
    a_removed_replica_counts_no_more,
    a_reassigned_replica_catches_up_and_leads,
    an_old_incarnation_is_not_counted,
    a_fetch_that_came_before_its_topic_is_counted,
]
