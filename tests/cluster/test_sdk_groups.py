"""Groups of the SDK's consumers: sharing, leaving, dying, commits that outlive members."""

import asyncio
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.peer import Peer

from minikafka.protocol.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from minikafka_client import (
    Admin,
    BrokerError,
    ConfigError,
    Consumer,
    NewTopic,
    Producer,
    TopicPartition,
)

FAST: dict[str, Any] = {
    "start": "earliest",
    "heartbeat_interval_ms": 100,
    "session_timeout_ms": 6000,
    "rebalance_timeout_ms": 6000,
    "retry_backoff_ms": 20,
}


async def prepare(broker: RunningBroker, topic: str, partitions: int, records: int) -> None:
    async with Admin(broker.bootstrap) as admin, Producer(broker.bootstrap) as producer:
        await admin.create_topic(NewTopic(topic, partitions))
        for number in range(records):
            producer.post(topic, b"%d" % number, partition=number % partitions)
        await producer.flush()


async def until_shared(consumers: list[Consumer], partitions: int) -> list[set[int]]:
    """Wait until every partition has one owner and the shares are nearly equal."""
    async with asyncio.timeout(20):
        while True:
            shares = [{place.partition for place in each.assignment} for each in consumers]
            sizes = [len(share) for share in shares]
            if (
                sum(sizes) == partitions == len(set().union(*shares))
                and max(sizes) - min(sizes) < 2
            ):
                return shares
            await asyncio.sleep(0.01)


async def take(consumer: Consumer, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(20), aclosing(aiter(consumer)) as records:  # type: ignore[type-var]
        async for record in records:
            found.append(int(record.value or b""))
            if len(found) == count:
                break
    return found


def stored_epochs(broker: RunningBroker, group: str) -> list[int]:
    """Of the leaders that wrote what lies before the group's offsets."""
    asked = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=None)])
    with Peer(broker.host, broker.port) as peer:
        (found,) = peer.call(asked, 8).groups
    return [each.committed_leader_epoch for topic in found.topics for each in topic.partitions]


@pytest.mark.parametrize("assignor", ["range", "roundrobin", "sticky", "cooperative-sticky"])
async def test_members_share_leave_and_come_back(
    shared_broker: RunningBroker, assignor: str
) -> None:
    topic = f"sdk-g-{assignor}"
    await prepare(shared_broker, topic, 6, 0)
    async with AsyncExitStack() as stack:

        async def join() -> Consumer:
            consumer = Consumer(
                shared_broker.bootstrap, topic, group=topic, assignors=[assignor], **FAST
            )
            return await stack.enter_async_context(consumer)

        first = await join()
        await until_shared([first], 6)
        second = await join()
        before = await until_shared([first, second], 6)
        third = await join()
        after = await until_shared([first, second, third], 6)
        if "sticky" in assignor:
            assert after[0] < before[0]
            assert after[1] < before[1]
        await second.close()
        await until_shared([first, third], 6)


async def test_commits_outlive_members(shared_broker: RunningBroker) -> None:
    await prepare(shared_broker, "sdk-g-commit", 1, 100)
    place = TopicPartition("sdk-g-commit", 0)
    arguments = (shared_broker.bootstrap, "sdk-g-commit")
    async with Consumer(*arguments, group="sdk-g-c", auto_commit_ms=None, **FAST) as consumer:
        assert await take(consumer, 10) == list(range(10))
        await consumer.commit()
        assert await consumer.committed([place]) == {place: 10}
        assert stored_epochs(shared_broker, "sdk-g-c") == [0]
        assert await take(consumer, 5) == list(range(10, 15))  # never committed
    async with Consumer(*arguments, group="sdk-g-c", **FAST) as consumer:
        assert await take(consumer, 10) == list(range(10, 20))
        # The last one taken may not be done with: nobody has asked for the next.
    async with Consumer(*arguments, group="sdk-g-c", **FAST) as consumer:
        assert await consumer.committed([place]) == {place: 19}
        await consumer.commit({place: 42})
        assert stored_epochs(shared_broker, "sdk-g-c") == [-1], "it has not been there"
    async with Consumer(*arguments, group="sdk-g-c", **FAST) as consumer:
        assert await take(consumer, 1) == [42]


async def test_hooks_are_awaited_and_nothing_is_lost(shared_broker: RunningBroker) -> None:
    await prepare(shared_broker, "sdk-g-hooks", 4, 400)
    told: list[tuple[str, int]] = []

    async def assigned(places: list[TopicPartition]) -> None:
        told.append(("assigned", len(places)))

    async def revoked(places: list[TopicPartition]) -> None:
        await asyncio.sleep(0.01)
        told.append(("revoked", len(places)))

    seen: list[int] = []
    async with Consumer(
        shared_broker.bootstrap,
        "sdk-g-hooks",
        group="sdk-g-hooks",
        on_assigned=assigned,
        on_revoked=revoked,
        **FAST,
    ) as first:
        seen += await take(first, 200)
        async with Consumer(
            shared_broker.bootstrap, "sdk-g-hooks", group="sdk-g-hooks", **FAST
        ) as second:
            await until_shared([first, second], 4)
            assert told[:2] == [("assigned", 4), ("revoked", 2)]
        await until_shared([first], 4)
        while len(set(seen)) < 400:
            seen += await take(first, 1)
    assert sorted(set(seen)) == list(range(400))
    assert told[-1] == ("revoked", 4)


async def test_a_group_that_cannot_be_is_told(shared_broker: RunningBroker) -> None:
    await prepare(shared_broker, "sdk-g-bad", 1, 1)
    async with Consumer(
        shared_broker.bootstrap, "sdk-g-bad", group="sdk-g-bad", session_timeout_ms=1
    ) as consumer:
        with pytest.raises(BrokerError) as raised:
            await consumer.next_batch(10_000)
        assert raised.value.code.name == "INVALID_SESSION_TIMEOUT"


async def test_the_coordinator_is_killed_and_comes_back(own_broker: RunningBroker) -> None:
    await prepare(own_broker, "sdk-g-killed", 2, 100)
    async with Consumer(
        own_broker.bootstrap, "sdk-g-killed", group="sdk-g-killed", **FAST
    ) as consumer:
        seen = await take(consumer, 100)
        await consumer.commit()
        own_broker.kill()
        await asyncio.to_thread(own_broker.start)
        async with Producer(own_broker.bootstrap) as producer:
            for number in range(100, 200):
                producer.post("sdk-g-killed", b"%d" % number, partition=number % 2)
        while len(set(seen)) < 200:
            seen += await take(consumer, 1)
        own_broker.kill()
        await consumer.close(timeout_ms=300)


async def test_groups_are_administered(shared_broker: RunningBroker) -> None:
    topic = group = "sdk-g-admin"
    place = TopicPartition(topic, 0)
    await prepare(shared_broker, topic, 2, 10)
    async with Admin(shared_broker.bootstrap) as admin:
        async with Consumer(shared_broker.bootstrap, topic, group=group, **FAST) as consumer:
            await take(consumer, 10)
            await consumer.commit()
            described = await admin.describe_group(group)
            assert (described.state, described.protocol) == ("Stable", "cooperative-sticky")
            (member,) = described.members
            assert sorted(member.assignment) == [(topic, 0), (topic, 1)]
            listed = {each.group_id: each for each in await admin.list_groups(states=["Stable"])}
            assert listed[group].protocol_type == "consumer"
            with pytest.raises(BrokerError) as raised:
                await admin.delete_group(group)
            assert raised.value.code.name == "NON_EMPTY_GROUP"
        assert await admin.list_group_offsets(group) == {place: 5, TopicPartition(topic, 1): 5}
        await admin.alter_group_offsets(group, {place: 2})
        assert await admin.list_group_offsets(group, [place]) == {place: 2}
        await admin.delete_group_offsets(group, [place])
        assert await admin.list_group_offsets(group, [place]) == {}
        await admin.delete_group(group)
        assert group not in {each.group_id for each in await admin.list_groups()}
        with pytest.raises(BrokerError) as raised:
            await admin.delete_group(group)
        assert raised.value.code.name == "GROUP_ID_NOT_FOUND"


async def test_partitions_by_hand_and_offsets_of_the_group(shared_broker: RunningBroker) -> None:
    await prepare(shared_broker, "sdk-g-hand", 2, 20)
    places = [TopicPartition("sdk-g-hand", 0), TopicPartition("sdk-g-hand", 1)]
    async with Consumer(shared_broker.bootstrap, group="sdk-g-hand", start="earliest") as consumer:
        consumer.assign(places[:1])
        assert await take(consumer, 4) == [0, 2, 4, 6]
        await consumer.commit()
        assert await take(consumer, 3) == [8, 10, 12]  # two of them are committed at close
    async with Consumer(shared_broker.bootstrap, group="sdk-g-hand", start="earliest") as consumer:
        consumer.assign(places)
        assert [await consumer.position(place) for place in places] == [6, 0]
        consumer.assign({places[0]: 9})
        assert await take(consumer, 1) == [18]
    async with Consumer(
        shared_broker.bootstrap, "sdk-g-hand", group="sdk-g-members", **FAST
    ) as consumer:
        with pytest.raises(ConfigError):
            consumer.assign(places)


async def test_the_hook_may_commit_even_at_close(shared_broker: RunningBroker) -> None:
    await prepare(shared_broker, "sdk-g-last", 1, 10)
    arguments = (shared_broker.bootstrap, "sdk-g-last")

    async def revoked(places: list[TopicPartition]) -> None:
        await consumer.commit(dict.fromkeys(places, 7))

    async with Consumer(
        *arguments, group="sdk-g-last", auto_commit_ms=None, on_revoked=revoked, **FAST
    ) as consumer:
        await take(consumer, 3)
    async with Admin(shared_broker.bootstrap) as admin:
        assert await admin.list_group_offsets("sdk-g-last") == {TopicPartition("sdk-g-last", 0): 7}


async def test_a_failing_hook_is_told(shared_broker: RunningBroker) -> None:
    await prepare(shared_broker, "sdk-g-hook", 1, 10)

    async def assigned(places: list[TopicPartition]) -> None:
        raise LookupError("no table for it")

    async with Consumer(
        shared_broker.bootstrap, "sdk-g-hook", group="sdk-g-hook", on_assigned=assigned, **FAST
    ) as consumer:
        with pytest.raises(LookupError):
            await consumer.next_batch(10_000)
