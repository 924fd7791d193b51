"""Quorums of whole hosts in the simulation: what a quorum promises, on disks and over a network."""

from __future__ import annotations

from typing import Any

import pytest
from harness.quorum_hosts import SimulatedNode, SimulatedQuorum, values
from harness.quorum_weather import SHORT_LOGS, simulate, storm

from minikafka.broker.quorum_description import describe_quorum
from minikafka.metadata.topic_names import METADATA_TOPIC
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumRequestPartitionData,
    DescribeQuorumRequestTopicData,
)


async def acknowledge(cluster: SimulatedQuorum, count: int) -> None:
    """Write so many values and wait until each is acknowledged."""
    wanted = len(cluster.acknowledged) + count
    cluster.write(count)
    await cluster.until("all is acknowledged", lambda: len(cluster.acknowledged) == wanted)


def image_values(node: SimulatedNode) -> dict[str, str]:
    assert node.quorum is not None
    return values(node.quorum.image)


def other_than(cluster: SimulatedQuorum, *excluded: SimulatedNode) -> SimulatedNode:
    return next(
        node for node in cluster.nodes if node not in excluded and node.node_id in cluster.voters
    )


def test_three_hosts_elect_and_replicate_to_an_observer_too() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        cluster.start()
        leader = await cluster.elect()
        await acknowledge(cluster, 20)
        await cluster.settle()
        assert len(cluster.leaders) == 1
        for node in cluster.nodes:
            assert node.quorum is not None
            assert node.quorum.leader_id == leader.node_id
            assert node.quorum.leader_endpoint() == (f"n{leader.node_id}", 9093)

    simulate(1, scenario, observers=1)


def test_a_cold_start_and_the_loss_of_a_leader_take_less_than_a_second() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        cluster.start()
        leader = await cluster.elect()
        assert cluster.loop.time() < 1
        await acknowledge(cluster, 1)
        lost_at = cluster.loop.time()
        leader.crash(power=False)
        successor = await cluster.elect()
        assert cluster.loop.time() - lost_at < 1
        await acknowledge(cluster, 1)
        assert image_values(successor) == {"key-1": "value-1", "key-2": "value-2"}

    for seed in range(5):
        simulate(seed, scenario)


def test_a_leader_that_stops_hands_over_at_once() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        cluster.start()
        leader = await cluster.elect()
        await acknowledge(cluster, 3)
        asked_at = cluster.loop.time()
        leader.stop()
        await cluster.until("it has stopped", lambda: not leader.is_up)
        assert cluster.leader() is not None, "it waits for its successor"
        assert cluster.loop.time() - asked_at < 0.3

    simulate(1, scenario)


def test_who_waits_at_a_leader_that_is_cut_off_is_told_and_its_controller_forgets() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        network = cluster.loop.network
        cluster.start()
        old = await cluster.elect()
        await acknowledge(cluster, 2)
        others = [node for node in cluster.nodes if node is not old]
        for other in others:
            network.cut(old.machine.name, other.machine.name)
        told: list[ErrorCode] = []
        process = old.process
        assert process is not None
        assert process.controller is not None

        async def write() -> None:
            try:
                await process.write("lost", "never")
            except KafkaError as error:
                told.append(error.code)

        assert old.machine.process is not None
        old.machine.process.context.copy().run(process.scope.spawn, write(), "write")
        await cluster.until("it has decided", lambda: "lost" in values(process.controller.image))
        await cluster.until("who waits is told", lambda: told)
        assert told == [ErrorCode.NOT_CONTROLLER]
        assert values(process.controller.image) == image_values(old) == image_values(others[0])
        await cluster.until("another leads", lambda: cluster.leader() in others)
        await acknowledge(cluster, 2)
        for other in others:
            network.heal(old.machine.name, other.machine.name)
        await cluster.settle()
        assert "lost" not in image_values(old)
        assert "lost" not in values(process.controller.image)

    simulate(1, scenario)


def test_who_was_away_long_gets_a_snapshot_and_hears_what_has_changed() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        network = cluster.loop.network
        cluster.start()
        leader = await cluster.elect()
        await acknowledge(cluster, 2)
        away = other_than(cluster, leader)
        observer = cluster.node(4)
        await cluster.settle()
        for node in (away, observer):
            for other in cluster.nodes:
                if other not in (away, observer):
                    network.cut(node.machine.name, other.machine.name)
        for _ in range(8):
            await acknowledge(cluster, 10)
        assert leader.process is not None
        log = leader.process.quorum._log
        assert away.quorum is not None
        await cluster.until(
            "the log begins where they are not yet",
            lambda: log.log_start_offset > away.process.quorum.image.offset,  # type: ignore[union-attr]  # it runs
        )
        cluster.deltas.clear()
        for node in (away, observer):
            for other in cluster.nodes:
                if other not in (away, observer):
                    network.heal(node.machine.name, other.machine.name)
        await cluster.settle()
        assert image_values(away) == image_values(observer) == image_values(leader)
        for node in (away, observer):
            changed = {
                name
                for node_id, delta in cluster.deltas
                if node_id == node.node_id
                for _, name in delta.changed_configs
            }
            assert changed >= {f"key-{number}" for number in range(12)}

    simulate(1, scenario, observers=1, **SHORT_LOGS)


def test_everything_is_found_again_after_all_have_lost_power() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        cluster.start()
        await cluster.elect()
        await acknowledge(cluster, 30)
        before = dict(cluster.states)
        for node in cluster.nodes:
            node.crash(power=True)
        cluster.start()
        await cluster.settle()
        last = max(before)
        for node in cluster.nodes:
            found = image_values(node)
            assert {key: found[key] for key in before[last]}.keys() == before[last].keys()
            assert node.quorum is not None
            assert node.quorum.leader_epoch >= 2

    simulate(1, scenario)


def test_the_leader_describes_voters_and_observers() -> None:
    async def scenario(cluster: SimulatedQuorum) -> None:
        cluster.start()
        leader = await cluster.elect()
        await acknowledge(cluster, 3)
        await cluster.settle()
        await cluster.wait(0.6)
        away = other_than(cluster, leader)
        away.crash(power=True)
        await acknowledge(cluster, 1)
        await cluster.wait(0.6)
        found = describe(cluster, leader)
        end_offset = found.high_watermark
        wall_ms = leader.machine.wall_ms()
        assert [voter.replica_id for voter in found.current_voters] == [1, 2, 3]
        for voter in found.current_voters:
            if voter.replica_id == away.node_id:
                assert 0 < voter.log_end_offset < end_offset
                assert wall_ms - 2000 < voter.last_fetch_timestamp < wall_ms - 500
            else:
                assert voter.log_end_offset == end_offset
                assert wall_ms - 600 < voter.last_fetch_timestamp <= wall_ms
                assert wall_ms - 600 < voter.last_caught_up_timestamp <= wall_ms
        (observer,) = found.observers
        assert (observer.replica_id, observer.log_end_offset) == (4, end_offset)
        assert observer.replica_directory_id.int

    simulate(1, scenario, observers=1)


def describe(cluster: SimulatedQuorum, leader: SimulatedNode) -> Any:
    partition = DescribeQuorumRequestPartitionData(partition_index=0)
    topic = DescribeQuorumRequestTopicData(topic_name=METADATA_TOPIC, partitions=[partition])
    quorum = leader.quorum
    assert quorum is not None
    response = describe_quorum(
        DescribeQuorumRequest(topics=[topic]),
        2,
        node=quorum.node,
        image=quorum.image,
        log_end_offset=quorum.log_end_offset,
        wall_ms=leader.machine.wall_ms(),
        now_ms=int(cluster.loop.time() * 1000),
    )
    return response.topics[0].partitions[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_storm_breaks_no_promise(seed: int) -> None:
    assert simulate(seed, storm, observers=1).acknowledged


@pytest.mark.parametrize("seed", range(8, 13))
def test_a_storm_on_short_logs_breaks_no_promise(seed: int) -> None:
    assert simulate(seed, storm, observers=1, **SHORT_LOGS).acknowledged
