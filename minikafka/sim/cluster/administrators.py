"""Clients that change the cluster while it suffers: topics, partitions, replicas, leaders."""

import asyncio
from typing import Final

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignableTopic,
)
from minikafka.sim.cluster.clients import PATIENCE_MS, Application
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka_client import Admin, NewTopic
from minikafka_client.errors import BrokerError
from minikafka_client.fetched import TopicPartition
from minikafka_client.offsets import LATEST

_CANCELLED: Final = 0.3
_EXPECTED: Final = (
    ErrorCode.TOPIC_ALREADY_EXISTS,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.UNKNOWN_TOPIC_ID,
    ErrorCode.INVALID_PARTITIONS,
    ErrorCode.INVALID_REPLICATION_FACTOR,
    ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
    ErrorCode.ELECTION_NOT_NEEDED,
    ErrorCode.OFFSET_OUT_OF_RANGE,
)


class Creator(Application):
    """Creates the topics of the workload."""

    async def _live(self) -> None:
        async with Admin(
            self._bootstrap, api_timeout_ms=PATIENCE_MS, request_timeout_ms=PATIENCE_MS / 2
        ) as admin:
            for plan in self._climate.topics:
                if plan.name not in await admin.list_topics():
                    replicas, configs = plan.replication_factor, plan.configs()
                    topic = NewTopic(plan.name, plan.partitions, replicas, configs)
                    await admin.create_topic(topic)
                    self._ledger.created(plan.name)
        self.stop()


class Administrator(Application):
    """Does this and that until it is stopped."""

    def __init__(self, *args: object, metadata: MetadataTruth) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # those of Application
        self._metadata = metadata
        self._made = 0

    async def _live(self) -> None:
        async with Admin(
            self._bootstrap, api_timeout_ms=PATIENCE_MS, request_timeout_ms=PATIENCE_MS / 2
        ) as admin:
            while self.goes_on:
                await asyncio.sleep(0.1 + 2 * self._random())
                try:
                    await self._do_something(admin)
                except BrokerError as error:
                    if error.code not in _EXPECTED and not error.retriable:
                        sentence = f"an administrator is told {error}"
                        self._verdict.violate("what is asked for is possible", sentence)

    async def _do_something(self, admin: Admin) -> None:
        draw = self._random()
        if self._climate.meddling and draw < 0.2:
            await self._delete_records(admin)
        elif draw < 0.4:
            await self._create_and_delete(admin)
        elif draw < 0.7:
            await self._reassign(admin)
        else:
            await admin.elect_leaders(None)

    async def _create_and_delete(self, admin: Admin) -> None:
        self._made += 1
        name = f"brief-{self.name}-{self._made}"
        before = max(self._metadata.leaders, default=0)
        await admin.create_topic(NewTopic(name, 2, configs={"segment.index.bytes": "80"}))
        if max(self._metadata.leaders, default=0) > before:
            self._verdict.reach("controller failed over while a topic was created")
        self._ledger.created(name)
        if self._random() < 0.5:
            await admin.create_partitions(name, 4)
            self._verdict.reach("partitions added")
        await admin.delete_topic(name)

    async def _delete_records(self, admin: Admin) -> None:
        """Delete what lies before some offset of a partition, at times everything."""
        topic = self._any_topic()
        place = TopicPartition(topic.name, int(self._random() * topic.partitions))
        found = await admin.list_offsets({place: LATEST})
        before = int(self._random() * (found[place].offset + 1))
        self._ledger.delete((place.topic, place.partition), before)
        await admin.delete_records({place: before})
        self._verdict.reach("records deleted")

    async def _reassign(self, admin: Admin) -> None:
        """Give a partition other replicas, or the same in another order, or take that back."""
        topic = self._any_topic()
        known = self._metadata.image.topics.get(topic.name)
        brokers = list(self._metadata.image.brokers)
        if known is None:
            return
        start = int(self._random() * len(brokers))
        turned = [*brokers[start:], *brokers[:start]][: topic.replication_factor]
        index = int(self._random() * len(known.partitions))
        cancelled = self._climate.meddling and self._random() < _CANCELLED
        asked = None if cancelled else turned
        wanted = ReassignablePartition(partition_index=index, replicas=asked)
        request = AlterPartitionReassignmentsRequest(
            topics=[ReassignableTopic(name=topic.name, partitions=[wanted])],
            timeout_ms=PATIENCE_MS,
        )

        def read(answer: AlterPartitionReassignmentsResponse) -> None:
            return None

        deadline = admin._deadline(None)
        await admin._ask(request, AlterPartitionReassignmentsResponse, read, deadline)
