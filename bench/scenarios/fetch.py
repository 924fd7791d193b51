"""Fetch: a log of 16 KiB batches read from the page cache, by the size of a fetch."""

import time
import uuid

from harness.broker import RunningBroker

from bench import client, frames
from bench.scenario import Figure, Figures, Scenario, measured
from bench.scenarios.produce import IN_FLIGHT

LOG_BYTES = 128 << 20


class FetchLog(Scenario):
    """One connection, one partition, the same log over and over."""

    def __init__(
        self,
        name: str,
        *,
        fetch_bytes: int,
        round_bytes: int,
        in_flight: int = IN_FLIGHT,
        ratio_at_most: float | None = None,
    ) -> None:
        self.name = name
        self.extra = ratio_at_most is None
        self.in_flight = in_flight
        self.fetch_bytes = fetch_bytes
        self.round_bytes = round_bytes
        self.produce = frames.produce(name, 1024, 16, int(time.time() * 1000))
        self.log: dict[RunningBroker, tuple[uuid.UUID, int]] = {}
        size = f"{fetch_bytes >> 20} MiB" if fetch_bytes >= 1 << 20 else f"{fetch_bytes >> 10} KiB"
        self.figures = (
            Figure(
                "cpu_s_per_gb",
                f"broker CPU, {size} per fetch, {in_flight} in flight",
                "s/GB",
                ratio_at_most=ratio_at_most,
            ),
            Figure("user_s_per_gb", "of it in user mode", "s/GB"),
            Figure("mb_per_s", "throughput", "MB/s", more_is_better=True),
            Figure("client_cpu_s_per_gb", "the client's own CPU", "s/GB"),
        )

    def prepare(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.create_topic(self.name)
            with client.connect(broker.host, broker.port) as connection:
                count = LOG_BYTES // self.produce.value_bytes
                client.produce_pipelined(connection, self.produce, count, IN_FLIGHT)
            description = admin.describe_topic(self.name)
            self.log[broker] = description.topic_id, admin.end_offset(self.name)

    def run(self, broker: RunningBroker) -> Figures:
        topic_id, end_offset = self.log[broker]
        fetch = frames.fetch(topic_id, self.fetch_bytes)
        with (
            client.connect(broker.host, broker.port) as connection,
            measured(broker) as watch,
        ):
            fetched = client.fetch_log(
                connection, fetch, self.produce, end_offset, self.round_bytes, self.in_flight
            )
        return watch.per_gb(fetched.batch_bytes)

    def finish(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.delete_topic(self.name)
