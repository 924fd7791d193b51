"""Groups spread over all partitions of `__consumer_offsets`, from the very first request on."""

from pathlib import Path

import confluent_kafka
from harness.broker import RunningBroker

GROUPS = 60


def test_every_group_has_a_coordinator_at_once(tmp_path: Path) -> None:
    """The first request makes the topic, whose fifty logs are not all made in one turn."""
    settings = {"offsets.topic.num.partitions": "50"}
    with RunningBroker(tmp_path / "broker", settings) as broker:
        with broker.connect() as wire:
            wire.create_topic("orders")
        place = confluent_kafka.TopicPartition("orders", 0, 7)
        for number in range(GROUPS):
            consumer = confluent_kafka.Consumer(
                {"bootstrap.servers": broker.bootstrap, "group.id": f"group-{number}"}
            )
            consumer.commit(offsets=[place], asynchronous=False)
            (committed,) = consumer.committed([place], timeout=30)
            assert committed.offset == 7
            consumer.close()
