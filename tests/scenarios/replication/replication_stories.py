"""What three brokers and their logs go through; the brokers' code is that of production.

Each story is run on several seeds, which change the order of all that happens at once. The same
stories find the bugs that `tests/mutants` plants.
"""

import asyncio
from typing import Any

from harness.replicated import TOPIC, World

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ReplicaState,
)
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch

NONE = ErrorCode.NONE


async def opened(world: World, *replicas: int, **config: str) -> None:
    """All brokers up, the topic led by the first replica, every follower there."""
    for node in world.nodes.values():
        await node.start()
    world.create(*(replicas or (1, 2, 3)), **config)
    await settled(world)


async def settled(world: World, partitions: int = 1) -> None:
    """Every replica follows the partition's leader to its end."""

    def is_level() -> bool:
        for index in range(partitions):
            image = world.image.topics[TOPIC].partitions[index]
            ends = {}
            for replica in image.replicas:
                node = world.nodes[replica]
                if not node.is_up or TOPIC not in node.image.topics:
                    return False
                try:
                    partition = node.partition(index)
                except KafkaError:
                    return False
                if partition.leader_epoch != image.leader_epoch:
                    return False
                ends[replica] = partition.log.log_end_offset
            leader = world.nodes[image.leader].partition(index)
            known = [follower.end_offset for follower in leader.followers.values()]
            if len({*ends.values(), *known}) > 1 or leader.high_watermark not in ends.values():
                return False
        return True

    await world.until(is_level)


def isr(world: World, index: int = 0) -> list[int]:
    return sorted(world.image.topics[TOPIC].partitions[index].isr)


async def fetched_end(world: World, node_id: int, timestamp: int = -1) -> tuple[int, int]:
    """(error, offset) of ListOffsets at a broker."""
    wanted = ListOffsetsPartition(partition_index=0, timestamp=timestamp)
    request = ListOffsetsRequest(
        replica_id=-1, topics=[ListOffsetsTopic(name=TOPIC, partitions=[wanted])]
    )
    response = await world.call(node_id, request, ListOffsetsResponse)
    found = response.topics[0].partitions[0]
    return found.error_code, found.offset


async def fetch(world: World, node_id: int, offset: int, **fields: Any) -> Any:
    """One partition's answer to a sessionless fetch."""
    replica = fields.pop("replica", None)
    rack = fields.pop("rack", "")
    request = FetchRequest(
        max_wait_ms=fields.pop("max_wait_ms", 0),
        min_bytes=1,
        max_bytes=1 << 20,
        rack_id=rack,
        replica_state=ReplicaState(**(replica or {})),
        topics=[
            FetchTopic(
                topic_id=world.image.topics[TOPIC].topic_id,
                partitions=[
                    FetchPartition(
                        partition=0, fetch_offset=offset, partition_max_bytes=1 << 20, **fields
                    )
                ],
            )
        ],
    )
    response = await world.call(node_id, request, FetchResponse)
    return response.responses[0].partitions[0]


# -- the usual day ------------------------------------------------------------------------------


async def followers_have_what_is_acknowledged(world: World) -> None:
    await opened(world)
    for number in range(20):
        value = b"v%d" % number
        assert await world.produce(1, value) == (NONE, number)
        for node in world.nodes.values():
            assert node.values()[number:] == [value]
        assert world.nodes[1].values(committed=True)[number:] == [value]
    # Followers hear of the last high watermark with the end of their parked fetch.
    await world.until(lambda: all(n.partition().high_watermark == 20 for n in world.nodes.values()))
    logs = [node.values() for node in world.nodes.values()]
    assert logs[0] == logs[1] == logs[2]
    assert [node.epochs() for node in world.nodes.values()] == [[(0, 0)]] * 3
    assert world.story == []


async def a_produce_waits_for_the_slowest_in_the_isr(world: World) -> None:
    await opened(world)
    world.loop.network.cut("b1", "b3")
    waiting = asyncio.ensure_future(world.produce(1, b"a"))
    await asyncio.sleep(2)
    assert world.nodes[2].values() == [b"a"]
    assert not waiting.done()
    assert world.nodes[1].partition().high_watermark == 0
    assert (await fetch(world, 1, 0)).records == b""
    world.loop.network.heal("b1", "b3")
    assert await waiting == (NONE, 0)
    assert world.nodes[3].values() == [b"a"]


async def many_produces_wait_at_once(world: World) -> None:
    await opened(world)
    produces = [world.produce(1, b"v%d" % number) for number in range(30)]
    answers = await asyncio.gather(*produces)
    assert sorted(offset for _, offset in answers) == list(range(30))
    assert {code for code, _ in answers} == {NONE}
    await settled(world)
    assert world.nodes[2].values() == world.nodes[3].values() == world.nodes[1].values()


async def followers_learn_of_data_at_once(world: World) -> None:
    """Data wakes a parked fetch; a high watermark that moves does not, as in Kafka."""
    await opened(world)
    await asyncio.sleep(6.2)
    began = world.loop.now
    assert await world.produce(1, b"a") == (NONE, 0)
    assert world.loop.now - began < 0.015
    assert world.nodes[2].partition().high_watermark == 0
    took_s = await world.until(lambda: world.nodes[2].partition().high_watermark == 1)
    assert 0.4 < took_s < 0.6


async def high_watermarks_never_pass_the_own_end(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    for number in range(40):
        await world.produce(1, bytes(60_000) + b"%d" % number)
    await world.nodes[3].start()

    def is_back() -> bool:
        partition = world.nodes[3].partition()
        assert partition.high_watermark <= partition.log.log_end_offset
        return partition.log.log_end_offset == 41

    await world.until(is_back)


# -- leaders die --------------------------------------------------------------------------------


async def the_old_leader_cuts_what_only_it_had(world: World) -> None:
    """Trace of Kafka: three unreplicated records go, the new leader's come."""
    await opened(world)
    for value in (b"a", b"b"):
        await world.produce(1, value)
    world.loop.network.cut("b1", "b2", lose=True)
    world.loop.network.cut("b1", "b3", lose=True)
    for value in (b"x", b"y", b"z"):
        assert (await world.produce(1, value, acks=1))[0] == NONE
    world.nodes[1].crash()
    world.loop.network.heal("b1", "b2")
    world.loop.network.heal("b1", "b3")
    world.change(isr=[2, 3], leader=2)
    await world.until(lambda: world.nodes[2].partition().is_leader)
    assert await world.produce(2, b"c") == (NONE, 2)
    await world.nodes[1].start()
    assert world.nodes[1].values() == [b"a", b"b", b"x", b"y", b"z"]
    await world.until(lambda: isr(world) == [1, 2, 3])
    await settled(world)
    for node in world.nodes.values():
        assert node.values() == [b"a", b"b", b"c"]
        assert node.epochs() == [(0, 0), (1, 2)]
    assert world.story == ["orders-0: 2 proposes [1, 2, 3]"]


async def after_a_cut_the_high_watermark_is_told_again(world: World) -> None:
    """The answer that says where to cut carries one, too, but nobody can use it yet."""
    await opened(world)
    await world.produce(1, b"a")
    await world.produce(1, b"b")
    world.nodes[1].crash()
    world.change(isr=[2, 3], leader=2)
    await world.until(lambda: world.nodes[2].partition().high_watermark == 2)
    # Node 1 comes back with a record that only it has.
    old: Any = world.nodes[1]
    world.loop.network.cut("b1", "b2")
    await old.start()
    batch = memoryview(bytearray(build_batch([(0, None, b"x", ())])))
    old.partition().log.append(batch, read_header(batch), 0, 0)
    old.partition().high_watermark = 1
    world.loop.network.heal("b1", "b2")
    await world.until(lambda: isr(world) == [1, 2, 3])
    await world.until(lambda: old.partition().high_watermark == 2)
    assert old.values() == [b"a", b"b"]


async def a_leader_cut_off_from_its_followers_commits_nothing(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    for other in ("b2", "b3"):
        world.loop.network.cut("b1", other, lose=True)
    lonely = asyncio.ensure_future(world.produce(1, b"lost", timeout_ms=3000))
    await asyncio.sleep(0.01)
    # The others hear of an election, the old leader does not.
    world.nodes[1].is_up = False
    world.change(isr=[2, 3], leader=2)
    world.nodes[1].is_up = True
    await world.until(lambda: world.nodes[2].partition().is_leader)
    assert await world.produce(2, b"b") == (NONE, 1)
    assert (await lonely)[0] == ErrorCode.REQUEST_TIMED_OUT
    assert world.nodes[1].partition().high_watermark == 1
    for other in ("b2", "b3"):
        world.loop.network.heal("b1", other)
    # Followers of the new epoch do not fetch from the old leader, and it learns of the new one.
    world.nodes[1].apply(world.records[-1:])
    await world.until(lambda: isr(world) == [1, 2, 3])
    await settled(world)
    assert [node.values() for node in world.nodes.values()] == [[b"a", b"b"]] * 3


async def waiting_produces_hear_of_the_new_leader(world: World) -> None:
    await opened(world)
    world.loop.network.cut("b1", "b2")
    waiting = asyncio.ensure_future(world.produce(1, b"a"))
    await asyncio.sleep(0.1)
    world.change(isr=[2, 3], leader=3)
    assert await waiting == (ErrorCode.NOT_LEADER_OR_FOLLOWER, 0)


async def a_new_leader_tells_no_end_that_could_go_back(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a", b"b")
    # The follower's high watermark lags, and nobody fetches from it any more.
    assert world.nodes[2].partition().high_watermark < 2
    world.nodes[1].crash()
    world.nodes[3].crash()
    world.change(isr=[2, 3], leader=2)
    await world.until(lambda: world.nodes[2].partition().is_leader)
    assert (await fetched_end(world, 2))[0] == ErrorCode.OFFSET_NOT_AVAILABLE
    answer = await fetch(world, 2, 2)
    assert (answer.error_code, answer.records) == (0, b"")
    await world.nodes[3].start()
    await world.until(lambda: world.nodes[2].partition().high_watermark == 2)
    assert await fetched_end(world, 2) == (0, 2)


async def all_die_and_an_old_one_leads_uncleanly(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    await world.produce(1, b"b", b"c")
    world.nodes[1].crash()
    world.nodes[2].crash()
    await world.nodes[3].start()
    world.change(isr=[3], leader=3, leader_recovery_state=1)
    await world.until(lambda: world.nodes[3].partition().is_leader)
    assert await world.produce(3, b"n") == (NONE, 1)
    await world.nodes[1].start()
    await world.nodes[2].start()
    await world.until(lambda: isr(world) == [1, 2, 3])
    await settled(world)
    for node in world.nodes.values():
        assert node.values() == [b"a", b"n"]
        assert node.partition().high_watermark <= 2


async def a_follower_behind_the_log_start_begins_anew(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    await world.produce(1, b"b", b"c")
    world.nodes[1].partition().delete_records(3)
    log: Any = world.nodes[1].partition().log
    log.roll(0)
    log.delete_old_segments(0, 3)
    await world.produce(1, b"d")
    await world.nodes[3].start()
    await world.until(lambda: isr(world) == [1, 2, 3])
    assert world.nodes[3].partition().log.log_start_offset == 3
    assert world.nodes[3].values() == [b"d"]


async def what_compaction_left_out_is_no_damage(world: World) -> None:
    """Offsets are missing at the leader, so they are at its followers, whatever crashes there."""
    await opened(world)
    await world.produce(1, b"a")
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    log: Any = world.nodes[1].partition().log
    late = memoryview(bytearray(build_batch([(0, None, b"z", ())], base_offset=7, leader_epoch=0)))
    log.append_replicated(late, 0)
    await world.nodes[3].start()
    await world.until(lambda: isr(world) == [1, 2, 3])
    assert world.nodes[3].values() == [b"a", b"z"]
    for _ in range(2):
        world.nodes[3].crash()
        await world.nodes[3].start()
        assert world.nodes[3].values() == [b"a", b"z"]
        assert world.nodes[3].partition().log.log_end_offset == 8


async def the_log_start_goes_along(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a", b"b", b"c")
    world.nodes[1].partition().delete_records(2)
    await world.until(
        lambda: all(n.partition().log.log_start_offset == 2 for n in world.nodes.values())
    )


async def duplicates_are_known_to_the_next_leader(world: World) -> None:
    await opened(world)
    assert await world.produce(1, b"a", producer=(7, 0, 0)) == (NONE, 0)
    assert await world.produce(1, b"b", producer=(7, 0, 1)) == (NONE, 1)
    world.nodes[1].crash()
    world.change(isr=[2, 3], leader=2)
    await world.until(lambda: world.nodes[2].partition().is_leader)
    assert await world.produce(2, b"b", producer=(7, 0, 1)) == (NONE, 1)
    assert await world.produce(2, b"c", producer=(7, 0, 2)) == (NONE, 2)
    late = await world.produce(2, b"z", producer=(7, 0, 9))
    assert late[0] == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert world.nodes[3].values() == [b"a", b"b", b"c"]


# -- on disk, and near consumers ----------------------------------------------------------------


async def flushed_means_on_every_disk(world: World) -> None:
    """With `flush.messages=1`, what is acknowledged survives a loss of all power."""
    for node in world.nodes.values():
        node.disk.flush_s = 0.02
    await opened(world, flush_messages="1")
    for number in range(10):
        assert (await world.produce(1, b"v%d" % number))[0] == NONE
    for node in world.nodes.values():
        node.crash(power=True)
    for node in world.nodes.values():
        await node.start()
        assert node.values() == [b"v%d" % number for number in range(10)]


async def consumers_may_read_from_followers(world: World) -> None:
    await opened(world)
    await world.produce(1, b"a")
    await settled(world)
    await world.until(lambda: world.nodes[2].partition().high_watermark == 1)
    answer = await fetch(world, 2, 0)
    assert (answer.error_code, answer.high_watermark) == (0, 1)
    assert b"a" in bytes(answer.records)
    # One that waits at a follower is woken when the record is committed there.
    waiting = asyncio.ensure_future(fetch(world, 2, 1, max_wait_ms=20_000))
    await asyncio.sleep(0.1)
    await world.produce(1, b"b")
    assert b"b" in bytes((await waiting).records)
    assert (await fetch(world, 2, 99)).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert (await fetch(world, 2, 0, current_leader_epoch=9)).error_code == (
        ErrorCode.UNKNOWN_LEADER_EPOCH
    )


async def consumers_are_sent_to_the_replica_in_their_rack(world: World) -> None:
    """Broker n is in rack rn."""
    await opened(world)
    await world.produce(1, b"a")
    await settled(world)
    told = {}
    for rack in ("r1", "r2", "r3", "elsewhere", ""):
        answer = await fetch(world, 1, 0, rack=rack)
        assert answer.error_code == 0
        told[rack] = (answer.preferred_read_replica, len(answer.records) > 0)
    nobody = (-1, True)
    assert told == {
        "r1": nobody,
        "r2": (2, False),
        "r3": (3, False),
        "elsewhere": nobody,
        "": nobody,
    }
    # Also at the end, and at once; a follower sends nobody on.
    assert (await fetch(world, 1, 1, rack="r3", max_wait_ms=20_000)).preferred_read_replica == 3
    assert (await fetch(world, 3, 0, rack="r2")).preferred_read_replica == -1
    # Who is out of the ISR, or gone, is no choice.
    world.nodes[3].crash()
    world.change(isr=[1, 2])
    await world.until(lambda: len(world.nodes[1].partition().isr) == 2)
    assert (await fetch(world, 1, 0, rack="r3")).preferred_read_replica == -1


STORIES = [
    followers_have_what_is_acknowledged,
    a_produce_waits_for_the_slowest_in_the_isr,
    many_produces_wait_at_once,
    followers_learn_of_data_at_once,
    high_watermarks_never_pass_the_own_end,
    the_old_leader_cuts_what_only_it_had,
    after_a_cut_the_high_watermark_is_told_again,
    a_leader_cut_off_from_its_followers_commits_nothing,
    waiting_produces_hear_of_the_new_leader,
    a_new_leader_tells_no_end_that_could_go_back,
    all_die_and_an_old_one_leads_uncleanly,
    a_follower_behind_the_log_start_begins_anew,
    what_compaction_left_out_is_no_damage,
    the_log_start_goes_along,
    duplicates_are_known_to_the_next_leader,
    flushed_means_on_every_disk,
    consumers_may_read_from_followers,
    consumers_are_sent_to_the_replica_in_their_rack,
]
