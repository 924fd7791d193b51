"""One seed: a cluster of whole brokers, its clients, its misfortunes, and what must hold.

The promises that are checked while it runs are in `metadata_truth`, `partition_truth`,
`transitions` and `ledger`. When the faults are over, everything has to work again within a while,
and what the logs hold then is compared with all that clients were ever told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from minikafka.sim.cluster.administrators import Administrator, Creator
from minikafka.sim.cluster.clients import (
    Application,
    CarelessWriter,
    Member,
    Poller,
    Reader,
    Writer,
)
from minikafka.sim.cluster.climate import FAULTS, Climate, draw
from minikafka.sim.cluster.inventory import offsets_of, read_all
from minikafka.sim.cluster.ledger import Ledger
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka.sim.cluster.nemesis import Nemesis
from minikafka.sim.cluster.partition_truth import PartitionTruth
from minikafka.sim.cluster.reliance import Reliance
from minikafka.sim.cluster.schedule import Fault, draw_schedule
from minikafka.sim.cluster.shapes import SHAPES, make_nodes
from minikafka.sim.cluster.sightings import loading_in_pieces, sightings
from minikafka.sim.cluster.transitions import Transitions
from minikafka.sim.cluster.verdict import Verdict
from minikafka.sim.cluster.watching import Watcher, partitions_of
from minikafka.sim.errors import Enough, SimulationError
from minikafka.sim.loop import SimLoop, simulation
from minikafka.sim.node import BrokerNode
from minikafka.sim.process import Process
from minikafka.sim.scheduler import Order

LIMIT_S: Final = 400.0
_SETTLES_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.1
_GROUP: Final = "readers"
_AVAILABLE: Final = "everything is available again after the faults"


class ClusterOutcome(NamedTuple):
    """What became of a seed. `digest` is the same in every run of the same code."""

    seed: int
    climate: Climate
    schedule: list[Fault]
    violations: list[str]
    digest: int
    callbacks: int
    virtual_s: float
    acknowledged: int
    lost: int
    struck: dict[str, int]
    reached: dict[str, int]
    trace: list[str]
    story: list[tuple[float, str]]


class World:
    """The cluster of one seed and everything around it."""

    def __init__(self, loop: SimLoop, climate: Climate, schedule: list[Fault]) -> None:
        self.loop = loop
        self.climate = climate
        self.schedule = schedule
        self.verdict = Verdict(loop.note, lambda: loop.now)
        plans = SHAPES[climate.shape]
        made = make_nodes(
            loop,
            plans,
            climate.settings,
            dynamic_voters=climate.dynamic_voters,
            racks=climate.racks,
        )
        self.nodes: dict[int, BrokerNode] = {
            plan.node_id: node for plan, node in zip(plans, made, strict=True)
        }
        voters = [plan.node_id for plan in plans if plan.is_controller]
        self.metadata = MetadataTruth(self.nodes, voters, self.verdict)
        self.reliance = Reliance(self.nodes, self.metadata)
        self.partitions = PartitionTruth(self.nodes, self.metadata, self.reliance, self.verdict)
        self.reliance.at_risk = self.partitions.put_at_risk
        Transitions(self.metadata, self.partitions, self.reliance, self.verdict)
        self.ledger = Ledger(self.metadata.image, self.partitions, self.verdict, loop.note)
        self.bootstrap = ",".join(
            node.address for plan, node in zip(plans, made, strict=True) if plan.is_broker
        )
        loop.watch = Watcher(self.nodes, self.metadata, self.partitions, self.verdict)
        for number, (node_id, node) in enumerate(self.nodes.items()):
            self._furnish(node_id, node, climate.rates[number % len(climate.rates)])
        self._services: list[asyncio.Task[None]] = []
        self.nemesis = Nemesis(loop, self.nodes, self.metadata, climate, self.verdict)

    def _furnish(self, node_id: int, node: BrokerNode, rate: float) -> None:
        node.disk.flush_s = self.climate.flush_s
        node.disk.write_s = node.disk.read_s = 1e-5
        node.machine.rate = rate
        node.before_power_loss = lambda: self.reliance.power_fails(node_id)
        node.after_crash = lambda power: self.reliance.crashed(node_id, power)

    # -- the course of things ---------------------------------------------------------------------

    async def run(self) -> None:
        """From the first start to the verdict."""
        applications = self._applications()
        self._connect([app.name for app in applications])
        await self.begin()
        early = self.loop.stream("early").random() < 0.2
        creating = self._start(self._make(Creator, "creator"))
        if not early:
            await self._within(_SETTLES_S, [creating], "the topics are not created")
        storm = self.loop.create_task(self.nemesis.run(self.schedule))
        tasks = [self._start(app) for app in applications]
        await storm
        self.loop.note("calm")
        for app in applications:
            app.stop()
        await self._within(_SETTLES_S, [creating, *tasks], "clients cannot go on")
        await self.judge()

    async def begin(self) -> None:
        """Start every node, as a service manager does, one shortly after the other."""
        random = self.loop.stream("begin").random
        for node in self.nodes.values():
            await asyncio.sleep(0.001 + 0.3 * random())
            node.start()
            self._services.append(self.loop.create_task(self.nemesis.keep_running(node)))

    async def judge(self) -> None:
        """Everything is healed: wait until it is whole, then compare."""
        await self.until(_SETTLES_S, self._is_whole, self._what_is_missing)
        await self.until(_SETTLES_S, self._replicas_are_alike, self._who_is_behind)
        if not self.verdict.violations:
            last = self.loop.machine("last").start(self._compare)
            await self._within(_SETTLES_S, [last], "the logs cannot be read")
        for service in self._services:
            service.cancel()

    async def _compare(self) -> None:
        for plan in self.climate.topics:
            found = await read_all(self.bootstrap, plan.name)
            self.ledger.judge(plan.name, found)
        if self.ledger.offsets:
            self.ledger.judge_offsets(_GROUP, await offsets_of(self.bootstrap, _GROUP))

    # -- waiting ----------------------------------------------------------------------------------

    async def until(
        self, at_most_s: float, holds: Callable[[], bool], why_not: Callable[[], str]
    ) -> None:
        """Wait for something; a violation if it does not come."""
        deadline = self.loop.time() + at_most_s
        while not holds():
            if self.loop.time() > deadline:
                self.verdict.violate(_AVAILABLE, f"after {at_most_s:g} s {why_not()}")
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _within(
        self, at_most_s: float, tasks: Sequence[asyncio.Task[None]], sentence: str
    ) -> None:
        _, late = await asyncio.wait(tasks, timeout=at_most_s)
        if late:
            waiting = self.loop.waiting()
            self.verdict.violate(_AVAILABLE, f"after {at_most_s:g} s {sentence}: {waiting}")

    def _is_whole(self) -> bool:
        return not self._what_is_missing()

    def _what_is_missing(self) -> str:
        image = self.metadata.image
        lacking = [
            f"{topic.name}-{index} is {partition}"
            for topic, index, partition in image.partitions()
            if partition.leader < 0
            or sorted(partition.isr) != sorted(partition.replicas)
            or partition.is_reassigning
        ]
        lacking += [f"{broker} is fenced" for broker in image.brokers.values() if broker.fenced]
        return "; ".join(lacking[:3])

    def _replicas_are_alike(self) -> bool:
        return not self._who_is_behind()

    def _who_is_behind(self) -> str:
        """Every replica has everything, and knows that it is committed."""
        ends: dict[str, dict[int, tuple[int, int]]] = {}
        behind = []
        for node_id, node in self.nodes.items():
            for partition in partitions_of(node.broker) if node.broker is not None else ():
                safe = self.partitions.log((partition.topic_id, partition.index)).safe_end
                at = (partition.log.log_end_offset, partition.high_watermark)
                name = f"{partition.topic}-{partition.index}"
                ends.setdefault(name, {})[node_id] = at
                if at[1] < safe:
                    behind.append(f"{name} at node {node_id} is at {at}, committed {safe}")
        for name, found in ends.items():
            if len({end for at in found.values() for end in at}) > 1:
                behind.append(f"{name} has other (ends, high watermarks): {found}")
        return "; ".join(behind[:3])

    # -- clients ----------------------------------------------------------------------------------

    def _applications(self) -> list[Application]:
        climate = self.climate
        found: list[Application] = [self._make(Reader, "reader"), self._make(Poller, "poller")]
        found += [self._make(Writer, f"w{n}") for n in range(climate.writers)]
        found += [self._make(CarelessWriter, f"x{n}") for n in range(climate.careless_writers)]
        found += [
            self._make(lambda *args: Member(*args, group=_GROUP), f"m{n}")
            for n in range(2 * climate.groups)
        ]
        found += [
            self._make(lambda *args: Administrator(*args, metadata=self.metadata), f"a{n}")
            for n in range(climate.administrators)
        ]
        return found

    def _make(self, kind: Callable[..., Application], name: str) -> Application:
        random = self.loop.stream(f"client {name}").random
        return kind(name, self.bootstrap, self.climate, self.ledger, self.verdict, random)

    def _start(self, app: Application) -> asyncio.Task[None]:
        main: Callable[[], Awaitable[None]] = app.run
        return self.loop.machine(app.name).start(main)  # type: ignore[arg-type]  # a coroutine

    def _connect(self, clients: list[str]) -> None:
        self.nemesis.clients = clients
        machines = [*(node.machine.name for node in self.nodes.values()), *clients, "creator"]
        for source in machines:
            for target in machines:
                self.loop.network.link(source, target).jitter_s = self.climate.jitter_s


def run_world(
    seed: int,
    *,
    shape: str | None = None,
    order: Order = "hosts",
    faults: Sequence[str] = FAULTS,
    keep: Sequence[int] | None = None,
    with_trace: bool = False,
    until_violated: bool = False,
) -> ClusterOutcome:
    """Run one cluster to its end, or until a promise is broken. `keep` are the numbers of the
    faults that strike."""
    with simulation(f"cluster {seed}", order=order, limit_s=LIMIT_S) as loop:
        trace = loop.trace = [] if with_trace else None
        climate = draw(loop.stream("climate").random, shape, faults)
        schedule = draw_schedule(loop.stream("schedule").random, climate)
        if keep is not None:
            schedule = [fault for fault in schedule if fault.number in keep]
        world = World(loop, climate, schedule)
        verdict = world.verdict
        if until_violated:
            loop.watch = _until_violated(loop.watch, verdict)
        try:
            with sightings(verdict.reach), loading_in_pieces(climate.load_bytes):
                loop.run_until_complete(world.run())
        except Enough:
            pass
        except SimulationError as end:
            verdict.violate("the scenario ends", f"{type(end).__name__}: {end}")
        for node in world.nodes.values():
            for refusal in node.refusals:
                verdict.violate("a broker starts on whatever a crash has left", refusal)
        for error in loop.errors:
            sentence = f"{error['message']}: {error.get('exception')!r}"
            verdict.violate("nothing fails unheard", sentence)
        return ClusterOutcome(
            seed=seed,
            climate=climate,
            schedule=schedule,
            violations=verdict.violations,
            digest=loop.digest,
            callbacks=loop.steps,
            virtual_s=loop.now,
            acknowledged=len(world.ledger.acknowledged),
            lost=sum(
                world.ledger.may_be_lost(*entry) for entry in world.ledger.acknowledged.items()
            ),
            struck=world.nemesis.struck,
            reached=verdict.reached,
            trace=trace or [],
            story=verdict.story,
        )


def _until_violated(
    watch: Callable[[Process], None] | None, verdict: Verdict
) -> Callable[[Process], None]:
    def look(process: Process) -> None:
        if watch is not None:
            watch(process)
        if verdict.violations:
            raise Enough(verdict.violations[0])

    return look
