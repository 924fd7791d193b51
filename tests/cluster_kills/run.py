"""A run: writers, faults one after the other, then every record read and counted."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import confluent_kafka
from harness.cluster import RunningCluster
from harness.namespaces import Network

from cluster_kills.faults import Fault, Scene
from cluster_kills.verdict import Ledger, Row, Verdict
from cluster_kills.writer import Writer

TOPIC = "counted"
PARTITIONS = 3
WRITERS = ("confluent", "sdk")
_READ_S = 60.0


class Struck(NamedTuple):
    """A fault and what it cost: the longest time without an acknowledgement by writer."""

    fault: str
    took_s: float
    gaps_ms: dict[str, int]


def run(
    cluster: RunningCluster,
    faults: Sequence[Fault],
    *,
    rate: int,
    records: int,
    say: Callable[[str], None],
    network: Network | None = None,
) -> tuple[Verdict, list[Struck]]:
    """Strike each fault under the load of two writers, `rate` records a second each.

    They go on until `records` are acknowledged in all, if the faults are over sooner.
    """
    cluster.create_topic(TOPIC, PARTITIONS)
    struck = []
    with ExitStack() as stack:
        writers = [
            Writer(library, cluster.bootstrap, TOPIC, PARTITIONS, rate) for library in WRITERS
        ]
        for writer in writers:
            stack.callback(writer.kill)
        scene = Scene(cluster, TOPIC, network, lambda: [writer.acked for writer in writers])
        _until(lambda: min(scene.progress()) > 0, "the first acknowledgements")
        for number, fault in enumerate(faults, 1):
            began = time.monotonic()
            fault.strike(scene)
            cluster.wait_in_sync(TOPIC)
            cluster.wait_unfenced()
            for writer in writers:
                writer.assert_well()
            gaps = {writer.name: writer.longest_gap_ms() for writer in writers}
            struck.append(Struck(fault.name, time.monotonic() - began, gaps))
            acked = sum(scene.progress())
            said = ", ".join(f"{who} waited {gap} ms" for who, gap in gaps.items())
            say(f"{number:>3} {fault.name}: {said}; in sync after {struck[-1].took_s:.1f} s; ")
            say(f"    {acked} acknowledged")
        _until(lambda: sum(scene.progress()) >= records, f"{records} records", 3600)
        acknowledged: dict[Row, int] = {}
        for writer in writers:
            acknowledged |= writer.stop()
    return read_all(cluster.bootstrap).judge(acknowledged), struck


def _until(true: Callable[[], bool], what: str, patience_s: float = 60) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def read_all(bootstrap: str) -> Ledger:
    """Every record of the topic, partition by partition in their order."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused: partitions are assigned",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "check.crcs": True,
        }
    )
    ledger = Ledger()
    unfinished = set(range(PARTITIONS))
    try:
        start = confluent_kafka.OFFSET_BEGINNING
        consumer.assign(
            [confluent_kafka.TopicPartition(TOPIC, index, start) for index in unfinished]
        )
        while unfinished:
            messages = consumer.consume(10_000, _READ_S)
            assert messages, f"nothing for {_READ_S} s, {unfinished} not read to the end"
            for message in messages:
                partition = message.partition()
                assert partition is not None
                error = message.error()
                if error is None:
                    writer, value = message.key(), message.value()
                    assert writer is not None
                    assert value is not None
                    ledger.take(writer.decode(), partition, int(value.split()[0]))
                else:
                    assert error.code() == confluent_kafka.KafkaError._PARTITION_EOF, error
                    unfinished.discard(partition)
    finally:
        consumer.close()
    return ledger
