"""What the scenarios ask of a broker: blocking requests through minikafka's own messages."""

import time
from pathlib import Path
from typing import Any

from harness.broker import RunningBroker
from harness.peer import Peer, Topic

from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic

TIMEOUT_S = 300.0
PARTITIONS_PER_TOPIC = 1_000
_LATEST = -1
_RETRY_S = 0.005


def connect(broker: RunningBroker) -> Peer:
    return Peer(broker.host, broker.port, timeout_s=TIMEOUT_S)


def create(peer: Peer, name: str, partitions: int, replicas: int = 1) -> None:
    """Ask for a topic; the broker may still be making it afterwards."""
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas)
    request = CreateTopicsRequest(topics=[topic], timeout_ms=int(TIMEOUT_S * 1000))
    (answer,) = peer.call(request, 7).topics
    assert answer.error_code == 0, answer


def produce_when_ready(topic: Topic, partition: int, batch: bytes) -> None:
    """Produce as soon as the partition takes it."""
    deadline = time.monotonic() + TIMEOUT_S
    while topic.produce(batch, partition=partition).error_code:
        assert time.monotonic() < deadline, f"{topic.name}-{partition} takes nothing"
        time.sleep(_RETRY_S)


def answered(peer: Peer, topic: str, partitions: int) -> int:
    """How many partitions tell their log end by now; a ListOffsets over all of them."""
    asked = [
        ListOffsetsPartition(partition_index=index, timestamp=_LATEST)
        for index in range(partitions)
    ]
    request = ListOffsetsRequest(
        replica_id=-1, topics=[ListOffsetsTopic(name=topic, partitions=asked)]
    )
    (answer,) = peer.call(request, 7).topics
    return sum(1 for found in answer.partitions if not found.error_code and found.offset > 0)


def metadata(peer: Peer, name: str) -> Any:
    """Metadata of one topic."""
    return peer.call(MetadataRequest(topics=[MetadataRequestTopic(name=name)]), 9)


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
