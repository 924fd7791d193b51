"""How fast, how full and how unlucky a cluster is; every seed draws another climate.

Some seeds stay calm, for a race between equals needs equal speeds. Settings are drawn from hostile
ranges, each kept in most seeds at what people use: a bug may need one setting to be odd and the
others not.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from minikafka.sim.cluster.shapes import SHAPES

FAULTS: Final = (
    "kill",
    "power",
    "kill at an operation",
    "power at an operation",
    "clean stop",
    "pause",
    "cut",
    "isolate",
    "split",
    "reset",
    "slow link",
    "cut client",
    "kill all",
    "power all",
    "full disk",
    "failing append",
    "failing fsync",
    "slow disk",
    "wall jump",
)
_CALM_SHARE: Final = 0.15
_ODD_SHARE: Final = 0.4
_MEDDLING_SHARE: Final = 0.3
_RACKS_SHARE: Final = 0.3

Random = Callable[[], float]


class TopicPlan(NamedTuple):
    """A topic of the workload. `durable` is flush.messages=1."""

    name: str
    partitions: int
    replication_factor: int
    min_isr: int
    durable: bool
    unclean: bool
    index_entries: int

    def configs(self) -> dict[str, str]:
        """As CreateTopics takes them."""
        configs = {
            "min.insync.replicas": str(self.min_isr),
            # A full index is what ends a segment early: its smallest size is a mebibyte.
            "segment.index.bytes": str(8 * self.index_entries),
            "index.interval.bytes": "512",
            "unclean.leader.election.enable": str(self.unclean).lower(),
        }
        if self.durable:
            configs["flush.messages"] = "1"
        return configs


class Climate(NamedTuple):
    """What is drawn once; durations in seconds. `rates` are the speeds of the nodes' clocks;
    `meddling` administrators delete records and take back what they have begun, too.
    `load_bytes` is what a coordinator loads of its log before others have their turn. With `racks`
    readers are sent to followers."""

    shape: str
    dynamic_voters: bool
    settings: dict[str, str]
    topics: tuple[TopicPlan, ...]
    flush_s: float
    jitter_s: float
    rates: tuple[float, ...]
    restart_s: float
    faults: tuple[str, ...]
    fault_count: int
    storm_s: float
    writers: int
    careless_writers: int
    groups: int
    administrators: int
    records: int
    value_bytes: int
    pause_s: float
    meddling: bool
    load_bytes: int
    racks: bool


def draw(random: Random, shape: str | None, faults: Sequence[str] = FAULTS) -> Climate:
    """The climate of a seed, with some of these faults."""
    calm = random() < _CALM_SHARE
    chosen = tuple(fault for fault in faults if random() < 0.4)
    drawn = list(SHAPES)[int(random() ** 2 * len(SHAPES))]
    shape = shape or drawn
    voters_are_dynamic = random() < 0.3
    count = int(1 + random() * 9)
    replicas = min(3, sum(plan.is_broker for plan in SHAPES[shape]))
    return Climate(
        shape=shape,
        dynamic_voters=voters_are_dynamic,
        settings=_settings(random, replicas),
        topics=_topics(random, replicas),
        flush_s=0.002 if calm else between(random, 0.0001, 0.05),
        jitter_s=0.0003 if calm else between(random, 0.0001, 0.02),
        rates=tuple(1.0 if calm else 0.97 + 0.06 * random() for _ in range(8)),
        restart_s=between(random, 0.05, 3.0),
        faults=chosen or tuple(faults),
        fault_count=count if faults else 0,
        storm_s=between(random, 4.0, 20.0),
        writers=1 + int(random() * 2),
        careless_writers=int(random() * 2),
        groups=int(random() * 2),
        administrators=int(random() * 2),
        records=20 + int(random() * 40),
        value_bytes=int(between(random, 20, 2_000)),
        pause_s=between(random, 0.005, 0.2),
        meddling=random() < _MEDDLING_SHARE,
        load_bytes=1 if random() < 0.5 else 64 << 10,
        racks=random() < _RACKS_SHARE,
    )


def between(random: Random, low: float, high: float) -> float:
    """A draw that is as likely between 1 and 10 as between 10 and 100."""
    return float(low * (high / low) ** random())


def _topics(random: Random, replicas: int) -> tuple[TopicPlan, ...]:
    return tuple(
        TopicPlan(
            name,
            partitions=1 + int(random() * 3),
            replication_factor=replicas,
            min_isr=min(replicas, (2, 2, 2, 1, 3)[int(random() * 5)]),
            durable=random() < 0.4,
            unclean=random() < 0.15,
            index_entries=int(between(random, 2, 50)),
        )
        for name in ("events", "orders")[: 1 + int(random() * 2)]
    )


def _settings(random: Random, replicas: int) -> dict[str, str]:
    """Of all nodes: keys in server.properties."""

    def odd(low: float, high: float, usual: int) -> int:
        value = int(between(random, low, high))
        return value if random() < _ODD_SHARE else usual

    session_ms = odd(600, 9_000, 3_000)
    fetch_wait_ms = odd(5, 500, 100)
    quorum_ms = odd(150, 2_000, 500)
    return {
        "broker.session.timeout.ms": str(session_ms),
        "broker.heartbeat.interval.ms": str(max(50, session_ms // 5)),
        "replica.lag.time.max.ms": str(max(fetch_wait_ms, odd(200, 10_000, 1_500))),
        "replica.fetch.wait.max.ms": str(fetch_wait_ms),
        "replica.fetch.max.bytes": str(odd(1, 1 << 20, 1 << 20)),
        "replica.fetch.backoff.ms": str(odd(10, 1_000, 100)),
        "replica.high.watermark.checkpoint.interval.ms": str(odd(50, 5_000, 1_000)),
        "controller.quorum.election.timeout.ms": str(quorum_ms),
        "controller.quorum.fetch.timeout.ms": str(odd(300, 2_000, 1_000)),
        "controller.quorum.election.backoff.max.ms": str(odd(50, 1_000, 300)),
        "controller.quorum.request.timeout.ms": str(odd(300, 2_000, 1_000)),
        "metadata.log.max.record.bytes.between.snapshots": str(odd(300, 20_000, 20 << 20)),
        "metadata.max.idle.interval.ms": str(odd(100, 2_000, 500)),
        "leader.imbalance.check.interval.seconds": str(odd(1, 300, 300)),
        "max.incremental.fetch.session.cache.slots": str(odd(1, 1_000, 1_000)),
        "offsets.topic.num.partitions": str(odd(1, 4, 1)),
        "offsets.topic.replication.factor": str(replicas),
        "group.initial.rebalance.delay.ms": "100",
        "group.min.session.timeout.ms": "500",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(min(2, replicas)),
        "request.timeout.ms": str(odd(500, 30_000, 3_000)),
    }
