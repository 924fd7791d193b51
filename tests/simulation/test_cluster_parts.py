"""What a simulated cluster is made of: climates, schedules, shapes, what is committed."""

import asyncio
from random import Random

import pytest

from minikafka.records.batch import assign_offsets, read_header
from minikafka.records.builder import build_batch
from minikafka.settings.broker import BrokerSettings, unknown_keys
from minikafka.sim.cluster.climate import FAULTS, draw
from minikafka.sim.cluster.log_files import Batch, LogReader, log_end, sure_end
from minikafka.sim.cluster.partition_truth import CommittedLog
from minikafka.sim.cluster.schedule import draw_schedule
from minikafka.sim.cluster.shapes import SHAPES, make_nodes
from minikafka.sim.cluster.shrink import shrink
from minikafka.sim.disk import SimDisk
from minikafka.sim.loop import simulation


def batch(offset: int, value: bytes, epoch: int = 0) -> Batch:
    data = bytearray(build_batch([(1, None, value, ())]))
    assign_offsets(data, offset, epoch)
    return Batch(read_header(data), bytes(data))


def test_every_climate_makes_settings_that_a_broker_takes() -> None:
    for seed in range(60):
        climate = draw(Random(f"climate {seed}").random, None)
        BrokerSettings.parse(climate.settings)
        assert unknown_keys(climate.settings) == []
        assert climate.faults


def test_a_schedule_is_drawn_from_the_seed_alone() -> None:
    climate = draw(Random("climate").random, "3")
    first = draw_schedule(Random("schedule").random, climate)
    assert first == draw_schedule(Random("schedule").random, climate)
    assert [fault.at_s for fault in first] == sorted(fault.at_s for fault in first)
    assert {fault.kind for fault in first} <= set(FAULTS)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dynamic_voters", [False, True])
def test_the_nodes_of_a_cluster_are_formatted_for_each_other(
    shape: str, dynamic_voters: bool
) -> None:
    with simulation(1) as loop:
        nodes = make_nodes(loop, SHAPES[shape], {}, dynamic_voters=dynamic_voters)
        identities = {node.disk.surely("/data/meta.properties") or b"" for node in nodes}
        assert len(identities) == len(nodes)
        clusters = {line for each in identities for line in each.splitlines() if b"cluster" in line}
        assert len(clusters) == 1


def test_cuts_that_overlap_do_not_heal_each_other() -> None:
    with simulation(0) as loop:
        network = loop.network
        arrived: list[str] = []
        network.cut("a", "b", both=False)
        network.cut("a", "b")
        network.link("a", "b").send(1, lambda: arrived.append("ab"))
        network.link("b", "a").send(1, lambda: arrived.append("ba"))

        async def wait() -> None:
            await asyncio.sleep(1)
            assert arrived == []
            network.heal("a", "b")
            await asyncio.sleep(1)
            assert arrived == ["ba"]
            network.heal("a", "b", both=False)
            await asyncio.sleep(1)
            assert arrived == ["ba", "ab"]

        loop.run_until_complete(wait())


def test_a_log_is_read_from_the_bytes_on_the_disk() -> None:
    disk = SimDisk(0)
    mount = disk.mount()
    mount.mkdir("/log")
    first = mount.open("/log/00000000000000000000.log")
    batches = [batch(offset, b"value %d" % offset) for offset in range(4)]
    first.append([batches[0].data])
    reader = LogReader(disk, "/log")
    assert list(reader.below(1)) == batches[:1]
    first.append([batches[1].data])
    second = mount.open("/log/00000000000000000002.log")
    second.append([batches[2].data, batches[3].data])
    assert list(reader.below(3)) == batches[1:3]
    assert list(reader.below(9)) == batches[3:]
    assert (log_end(disk, "/log"), sure_end(disk, "/log")) == (4, 0)
    reader.rewind(3)
    other = batch(3, b"another", epoch=1)
    second.truncate(len(batches[2].data))
    second.append([other.data])
    assert list(reader.below(4)) == [other]


def test_what_is_committed_gives_way_only_where_it_is_at_risk() -> None:
    log = CommittedLog()
    for offset in range(3):
        one = batch(offset, b"%d" % offset)
        log.put(one, ((offset, b"%d" % offset),))
    assert not log.forget(2, 3)
    assert log.at_risk(1) == [(1, b"1"), (2, b"2")]
    assert log.safe_end == 1
    assert log.forget(2, 3)
    assert (log.end_offset, log.values) == (2, {0: b"0", 1: b"1"})
    assert not log.forget(0, 2)


def test_a_schedule_shrinks_to_what_is_needed() -> None:
    tried: list[list[int]] = []

    def fails(kept: list[int]) -> bool:
        tried.append(kept)
        return {3, 8} <= set(kept)

    assert shrink(range(10), fails) == [3, 8]
    assert len(tried) < 40
