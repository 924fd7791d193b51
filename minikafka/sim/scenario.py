"""One seed: one broker, its clients, its misfortunes, and what must hold all the same.

Checked when an answer arrives: a created topic, and with `durability="fsync"` every acknowledged
record, is what every loss of power would leave. Checked in the end: nothing acknowledged or read is
lost except what a loss of power was allowed to take, nothing is there that nobody has sent, nothing
twice, nothing out of order. All the time: a broker starts on whatever a crash has left, nothing
fails unheard, and the scenario ends.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from minikafka.sim.clients import TOPIC, Reader, Writer, create_topic, read_all
from minikafka.sim.errors import SimulationError
from minikafka.sim.history import History, Place, name_of
from minikafka.sim.loop import SimLoop, simulation
from minikafka.sim.nemesis import Nemesis
from minikafka.sim.node import BrokerNode
from minikafka.sim.scheduler import Order
from minikafka.sim.weather import FAULTS, Weather, draw

Durability = Literal["page-cache", "fsync"]
"""`fsync` is flush.messages=1: acknowledged is durable. `page-cache` is Kafka's default: a kill
loses nothing, a loss of power what was not flushed."""

LIMIT_S: Final = 240.0
_BROKER: Final = "broker"
_INDEX_INTERVAL_BYTES: Final = 512
_METADATA_LOG: Final = "__cluster_metadata-0"


class Outcome(NamedTuple):
    """What became of a seed. `digest` is the same in every run of the same code."""

    seed: int
    violations: list[str]
    digest: int
    callbacks: int
    virtual_s: float
    acknowledged: int
    lost: int
    struck: dict[str, int]
    trace: list[str]


class Scenario:
    """The world of one seed."""

    def __init__(self, loop: SimLoop, weather: Weather, durability: Durability) -> None:
        self._loop = loop
        self._weather = weather
        self._durability = durability
        self.history = History(loop.note)
        self._durable: set[bytes] = set()
        self._node = BrokerNode(loop, _BROKER, {})
        self._node.disk.flush_s = weather.flush_s
        self._node.disk.write_s = self._node.disk.read_s = 1e-5
        self._node.before_power_loss = self._put_at_risk
        self._names = [f"w{number}" for number in range(weather.writers)]
        clients = [*self._names, "reader", "admin"]
        for client in clients:
            for ends in ((client, _BROKER), (_BROKER, client)):
                loop.network.link(*ends).jitter_s = weather.jitter_s
        self.nemesis = Nemesis(loop, self._node, clients, weather)

    async def run(self) -> None:
        """From the first start to the verdict."""
        loop, node = self._loop, self._node
        node.start()
        service = loop.create_task(self.nemesis.keep_running())
        admin = loop.machine("admin")
        await admin.start(lambda: create_topic(node.address, self._weather, self._configs()))
        self._require_topic()
        reader = Reader(node.address, self._read)
        reading = loop.machine("reader").start(reader.run)
        writers = [self._writer(name) for name in self._names]
        writing = [loop.machine(w.name).start(w.run) for w in writers]
        await self.nemesis.run()
        for writer in writers:
            writer.stop()
        await asyncio.gather(*writing)
        reader.stop()
        await reading
        # The lights go out once more: what was promised must be there.
        if self._weather.fault_count:
            node.crash(power=self._loop.stream("end").random() < 0.5)
        last = loop.machine("last").start(lambda: read_all(node.address))
        self.history.judge(await last)
        service.cancel()

    @property
    def refusals(self) -> list[str]:
        """Starts that failed for no reason of the weather's."""
        return self._node.refusals

    def _configs(self) -> dict[str, str]:
        configs = {
            # A full index is what ends a segment early: its smallest size is a mebibyte.
            "segment.index.bytes": str(8 * self._weather.index_entries),
            "index.interval.bytes": str(_INDEX_INTERVAL_BYTES),
        }
        if self._durability == "fsync":
            configs["flush.messages"] = "1"
        return configs

    def _writer(self, name: str) -> Writer:
        random = self._loop.stream(f"writer {name}").random
        address, history = self._node.address, self.history
        return Writer(name, address, self._weather, history, random, self._acknowledged)

    # -- promises ---------------------------------------------------------------------------------

    def _require_topic(self) -> None:
        if TOPIC.encode() not in self._node.sure_batches(_METADATA_LOG):
            self.history.violate("the topic is created, and a loss of power may take it back")

    def _acknowledged(self, value: bytes, place: Place) -> None:
        self.history.acknowledge(value, place)
        self._require_durable(value, place, "acknowledged")

    def _read(self, value: bytes, place: Place) -> None:
        self.history.see(place, value)
        self._require_durable(value, place, "read")

    def _require_durable(self, value: bytes, place: Place, verb: str) -> None:
        if self._durability == "fsync" and value not in self._durable:
            if self._node.surely_holds(f"{TOPIC}-{place.partition}", place.offset, value):
                self._durable.add(value)  # for ever
            else:
                self.history.violate(f"{name_of(value)} at {place} is {verb}, not durable")

    def _put_at_risk(self) -> None:
        """Before a loss of power: what it may take."""
        if self._durability == "fsync":
            return
        partitions = range(self._weather.partitions)
        sure = [self._node.sure_batches(f"{TOPIC}-{number}") for number in partitions]
        for value, sent in self.history.sent.items():
            if value not in sure[sent.partition]:
                self.history.at_risk.add(value)


def run_seed(
    seed: int,
    *,
    durability: Durability = "page-cache",
    order: Order = "hosts",
    faults: Sequence[str] = FAULTS,
    with_trace: bool = False,
) -> Outcome:
    """Run one scenario to its end."""
    with simulation(seed, order=order, limit_s=LIMIT_S) as loop:
        trace = loop.trace = [] if with_trace else None
        weather = draw(loop.stream("weather").random, faults)
        scenario = Scenario(loop, weather, durability)
        history = scenario.history
        try:
            loop.run_until_complete(scenario.run())
        except SimulationError as end:
            history.violate(f"{type(end).__name__}: {end}")
        for refusal in scenario.refusals:
            history.violate(f"no start on what a crash has left: {refusal}")
        for error in loop.errors:
            history.violate(f"{error['message']}: {error.get('exception')!r}")
        return Outcome(
            seed=seed,
            violations=history.violations,
            digest=loop.digest,
            callbacks=loop.steps,
            virtual_s=loop.now,
            acknowledged=len(history.acknowledged),
            lost=len(history.at_risk & set(history.acknowledged)),
            struck=scenario.nemesis.struck,
            trace=trace or [],
        )
