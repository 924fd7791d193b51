"""The scenarios in the order in which they run and are reported."""

from bench.scenario import Scenario
from bench.scenarios.compaction import Compaction
from bench.scenarios.connections import Announced, Idle, NonDraining
from bench.scenarios.fetch import FetchLog
from bench.scenarios.produce import AckLatency, ProduceBatches, SmallRequests
from bench.scenarios.start import Start

KIB = 1 << 10
MIB = 1 << 20


def all_scenarios() -> list[Scenario]:
    """A new object of each, with the sizes that fit `make bench` into five minutes."""
    return [
        Start(),
        Idle(connections=1000),
        NonDraining(consumers=4, unread_bytes=48 * MIB),
        Announced(peers=4, announced_bytes=100 * MIB),
        ProduceBatches("produce-16k", record_bytes=KIB, records=16, round_bytes=200_000_000),
        ProduceBatches("produce-16k-100b", record_bytes=100, records=None, round_bytes=200_000_000),
        ProduceBatches("produce-1m", record_bytes=KIB, records=976, round_bytes=600_000_000),
        SmallRequests("small-requests", connections=1, requests=20_000, ratio_at_most=0.5),
        SmallRequests("small-requests-50", connections=50, requests=20_000),
        AckLatency(requests=4_000),
        FetchLog("fetch-1m", fetch_bytes=MIB, round_bytes=1_200_000_000, ratio_at_most=0.9),
        FetchLog("fetch-64k", fetch_bytes=64 * KIB, round_bytes=600_000_000, ratio_at_most=0.3),
        FetchLog("fetch-1m-1", fetch_bytes=MIB, round_bytes=1_200_000_000, in_flight=1),
        FetchLog("fetch-64k-1", fetch_bytes=64 * KIB, round_bytes=600_000_000, in_flight=1),
        Compaction(record_bytes=400, records=200_000, keys=10_000),
    ]
