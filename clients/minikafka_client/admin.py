"""The admin client: topics, partitions, configs, records, offsets, groups, the cluster.

    async with Admin("localhost:9092") as admin:
        await admin.create_topic(NewTopic("orders", partitions=12))

Every call tries again after retriable errors until its timeout, `api_timeout_ms` unless it is given
its own. What the broker refuses is raised as BrokerError. A call after a lost answer may be told
that its work is done already (TOPIC_ALREADY_EXISTS): the first attempt was carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Self, Unpack

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
)
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from minikafka.protocol.messages.delete_topics import (
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from minikafka.protocol.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
)
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from minikafka_client.admin_calls import check
from minikafka_client.admin_cluster import ClusterAdmin
from minikafka_client.admin_groups import GroupAdmin
from minikafka_client.admin_types import (
    ConfigEntry,
    ConfigOperation,
    ConfigSource,
    CreatedTopic,
    NewTopic,
    ResourceType,
    TopicDescription,
)
from minikafka_client.cluster import Cluster, TopicInfo
from minikafka_client.config import CallOptions, ClientConfig, parse_bootstrap
from minikafka_client.fetched import TopicPartition
from minikafka_client.offsets import EARLIEST, FoundOffset, list_offsets

_BROKER_RESOURCES: Final = (ResourceType.BROKER, ResourceType.BROKER_LOGGER)


class Admin(GroupAdmin, ClusterAdmin):
    """An admin client; use it as an async context manager. Durations are in ms."""

    def __init__(self, bootstrap: str | Iterable[str], **options: Unpack[CallOptions]) -> None:
        named: CallOptions = {"client_id": "minikafka-admin", **options}
        self._config = ClientConfig(
            parse_bootstrap(bootstrap), allow_auto_create_topics=False, **named
        )
        super().__init__()

    # --- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Connect, within `connect_timeout_ms`. Raises NotConnected, Timeout."""
        self._cluster = Cluster(self._config)
        try:
            await self._cluster.start(self._config.connect_timeout_s)
        except BaseException:
            await self._cluster.close()
            raise
        self._closed = False

    async def close(self) -> None:
        """Disconnect; takes no time."""
        if not self._closed:
            self._closed = True
            await self._cluster.close()

    # --- topics

    async def create_topic(
        self, topic: NewTopic, *, validate_only: bool = False, timeout_ms: float | None = None
    ) -> CreatedTopic:
        """Create a topic; it can be written to when this returns. `validate_only` only asks."""
        deadline = self._deadline(timeout_ms)
        assignments = [
            CreatableReplicaAssignment(partition_index=number, broker_ids=list(replicas))
            for number, replicas in (topic.assignments or {}).items()
        ]
        wanted = CreatableTopic(
            name=topic.name,
            num_partitions=topic.partitions,
            replication_factor=topic.replication_factor,
            assignments=assignments,
            configs=[CreatableTopicConfig(name=k, value=v) for k, v in topic.configs.items()],
        )
        request = CreateTopicsRequest(
            topics=[wanted], timeout_ms=self._broker_ms(deadline), validate_only=validate_only
        )

        def read(answer: CreateTopicsResponse) -> CreatedTopic:
            (made,) = answer.topics
            check(made.error_code, topic.name, made.error_message)
            return CreatedTopic(
                made.name, made.topic_id, made.num_partitions, made.replication_factor
            )

        created = await self._ask(request, CreateTopicsResponse, read, deadline)
        if not validate_only:
            await self._until_led(topic.name, deadline)
        return created

    async def delete_topic(self, name: str, *, timeout_ms: float | None = None) -> None:
        """Delete a topic and its records."""
        deadline = self._deadline(timeout_ms)
        request = DeleteTopicsRequest(
            topics=[DeleteTopicState(name=name)],
            topic_names=[name],
            timeout_ms=self._broker_ms(deadline),
        )

        def read(answer: DeleteTopicsResponse) -> None:
            (gone,) = answer.responses
            check(gone.error_code, name, gone.error_message)

        await self._ask(request, DeleteTopicsResponse, read, deadline, final_unknown=True)
        backoff = self._cluster.backoff()
        while name in await self.list_topics(timeout_ms=self._broker_ms(deadline)):
            await self._cluster.pause(backoff, deadline)  # brokers hear of it a little later

    async def list_topics(
        self, *, internal: bool = False, timeout_ms: float | None = None
    ) -> list[str]:
        """The names of all topics, Kafka's own only with `internal`."""
        await self._cluster.refresh(None, self._remaining(self._deadline(timeout_ms)))
        topics = self._cluster.topics.values()
        return sorted(info.name for info in topics if internal or not info.is_internal)

    async def describe_topic(
        self, name: str, *, timeout_ms: float | None = None
    ) -> TopicDescription:
        """A topic and its partitions: leaders, replicas, which of them are in sync."""
        deadline = self._deadline(timeout_ms)
        await self._cluster.refresh([name], self._remaining(deadline))
        info = self._cluster.topics.get(name)
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if info is None else info.error_code
        check(code, name)
        assert info is not None, "checked"
        return TopicDescription(info.name, info.topic_id, info.is_internal, info.partitions)

    async def create_partitions(
        self, name: str, count: int, *, timeout_ms: float | None = None
    ) -> None:
        """Give a topic more partitions, `count` in all."""
        deadline = self._deadline(timeout_ms)
        request = CreatePartitionsRequest(
            topics=[CreatePartitionsTopic(name=name, count=count, assignments=None)],
            timeout_ms=self._broker_ms(deadline),
        )

        def read(answer: CreatePartitionsResponse) -> None:
            (result,) = answer.results
            check(result.error_code, name, result.error_message)

        await self._ask(request, CreatePartitionsResponse, read, deadline)
        await self._until_led(name, deadline, count)

    # --- configs

    async def describe_configs(
        self,
        kind: ResourceType,
        name: str,
        *,
        keys: Iterable[str] | None = None,
        timeout_ms: float | None = None,
    ) -> dict[str, ConfigEntry]:
        """The configs of a topic, a broker (`name` is its id) or a group, by their names."""
        resource = DescribeConfigsResource(
            resource_type=kind,
            resource_name=name,
            configuration_keys=None if keys is None else list(keys),
        )
        request = DescribeConfigsRequest(
            resources=[resource], include_synonyms=True, include_documentation=True
        )

        def read(answer: DescribeConfigsResponse) -> dict[str, ConfigEntry]:
            (result,) = answer.results
            check(result.error_code, f"{kind.name} {name}", result.error_message)
            return {each.name: _config_entry(each) for each in result.configs}

        deadline = self._deadline(timeout_ms)
        node = _broker_of(kind, name)
        return await self._ask(request, DescribeConfigsResponse, read, deadline, node=node)

    async def alter_configs(
        self,
        kind: ResourceType,
        name: str,
        changes: Mapping[str, str | tuple[ConfigOperation, str] | None],
        *,
        validate_only: bool = False,
        timeout_ms: float | None = None,
    ) -> None:
        """Change some configs: a value sets, None goes back to the default."""
        configs = []
        for key, change in changes.items():
            operation, value = change if isinstance(change, tuple) else (None, change)
            if operation is None:
                operation = ConfigOperation.DELETE if value is None else ConfigOperation.SET
            configs.append(AlterableConfig(name=key, config_operation=operation, value=value))
        resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
        request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=validate_only)

        def read(answer: IncrementalAlterConfigsResponse) -> None:
            (result,) = answer.responses
            check(result.error_code, f"{kind.name} {name}", result.error_message)

        deadline = self._deadline(timeout_ms)
        node = _broker_of(kind, name)
        await self._ask(request, IncrementalAlterConfigsResponse, read, deadline, node=node)

    # --- records and offsets

    async def delete_records(
        self, before: Mapping[TopicPartition, int], *, timeout_ms: float | None = None
    ) -> dict[TopicPartition, int]:
        """Delete the records before an offset (-1: all); the first offsets that are left."""
        deadline = self._deadline(timeout_ms)
        found: dict[TopicPartition, int] = {}
        for place, offset in before.items():
            found[place] = await self._delete_before(place, offset, deadline)
        return found

    async def _delete_before(self, place: TopicPartition, offset: int, deadline: float) -> int:
        topic = DeleteRecordsTopic(
            name=place.topic,
            partitions=[DeleteRecordsPartition(partition_index=place.partition, offset=offset)],
        )
        request = DeleteRecordsRequest(topics=[topic], timeout_ms=self._broker_ms(deadline))

        def read(answer: DeleteRecordsResponse) -> int:
            ((result,),) = [each.partitions for each in answer.topics]
            check(result.error_code, f"{place.topic}-{place.partition}")
            return result.low_watermark

        return await self._ask(request, DeleteRecordsResponse, read, deadline, leader_of=place)

    async def list_offsets(
        self, asked: Mapping[TopicPartition, int], *, timeout_ms: float | None = None
    ) -> dict[TopicPartition, FoundOffset]:
        """Offsets for timestamps (ms), or LATEST, EARLIEST, MAX_TIMESTAMP of `offsets`."""
        return await list_offsets(self._cluster, asked, self._deadline(timeout_ms))

    # --- inside

    async def _until_led(self, name: str, deadline: float, count: int = 1) -> None:
        """Wait until every partition of a topic has a leader that knows of it."""
        cluster = self._cluster
        backoff = cluster.backoff()
        while True:
            await cluster.refresh([name], self._remaining(deadline))
            info = cluster.topics.get(name)
            if info is not None and len(info.partitions) >= count and _led(info):
                break
            await cluster.pause(backoff, deadline)
        places = {TopicPartition(name, number): EARLIEST for number in info.partitions}
        await list_offsets(cluster, places, deadline)


def _led(info: TopicInfo) -> bool:
    return all(partition.leader >= 0 for partition in info.partitions.values())


def _broker_of(kind: ResourceType, name: str) -> int | None:
    """The broker that must be asked about a resource; None: any."""
    return int(name) if kind in _BROKER_RESOURCES and name else None


def _config_entry(entry: DescribeConfigsResourceResult) -> ConfigEntry:
    return ConfigEntry(
        entry.name,
        entry.value,
        ConfigSource(entry.config_source),
        entry.read_only,
        entry.is_sensitive,
        tuple((each.name, each.value, ConfigSource(each.source)) for each in entry.synonyms),
        entry.documentation or None,
    )
