"""The cluster itself, for the admin client: brokers, disks, quorum, features, leaders, quotas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from minikafka.protocol.errors import ErrorCode, error_code
from minikafka.protocol.messages import (
    alter_client_quotas,
    describe_client_quotas,
    describe_log_dirs,
    describe_producers,
    describe_quorum,
    elect_leaders,
    list_config_resources,
    list_partition_reassignments,
    unregister_broker,
    update_features,
)
from minikafka.protocol.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from minikafka_client.admin_calls import AdminCalls, check
from minikafka_client.admin_types import (
    ClusterDescription,
    FeatureLevels,
    LogDirDescription,
    ProducerDescription,
    QuorumDescription,
    QuorumReplica,
    Reassignment,
    ReplicaSize,
    ResourceType,
)
from minikafka_client.cluster import Node
from minikafka_client.fetched import TopicPartition

_METADATA_TOPIC: Final = "__cluster_metadata"
_PREFERRED, _UNCLEAN = 0, 1
_EXACT, _DEFAULT = 0, 1
_UPGRADE, _SAFE_DOWNGRADE = 1, 2
_NO_ELECTION: Final = (ErrorCode.NONE, ErrorCode.ELECTION_NOT_NEEDED)


class ClusterAdmin(AdminCalls):
    """What `Admin` inherits. Each call raises BrokerError, NotConnected, Timeout."""

    async def describe_cluster(self, *, timeout_ms: float | None = None) -> ClusterDescription:
        """The cluster's id and its brokers."""

        def read(answer: DescribeClusterResponse) -> ClusterDescription:
            check(answer.error_code, "cluster", answer.error_message)
            nodes = [
                Node(each.broker_id, each.host, each.port, each.rack) for each in answer.brokers
            ]
            return ClusterDescription(answer.cluster_id, answer.controller_id, nodes)

        deadline = self._deadline(timeout_ms)
        return await self._ask(DescribeClusterRequest(), DescribeClusterResponse, read, deadline)

    async def unregister_broker(self, node_id: int, *, timeout_ms: float | None = None) -> None:
        """Let the cluster forget a broker that is gone for good."""

        def read(answer: unregister_broker.UnregisterBrokerResponse) -> None:
            check(answer.error_code, f"broker {node_id}", answer.error_message)

        request = unregister_broker.UnregisterBrokerRequest(broker_id=node_id)
        response = unregister_broker.UnregisterBrokerResponse
        await self._ask(request, response, read, self._deadline(timeout_ms))

    async def describe_log_dirs(
        self, node_id: int, *, timeout_ms: float | None = None
    ) -> list[LogDirDescription]:
        """A broker's log directories and what they hold."""

        def read(answer: describe_log_dirs.DescribeLogDirsResponse) -> list[LogDirDescription]:
            check(answer.error_code, f"broker {node_id}")
            return [
                LogDirDescription(
                    each.log_dir,
                    error_code(each.error_code),
                    each.total_bytes,
                    each.usable_bytes,
                    _replica_sizes(each),
                )
                for each in answer.results
            ]

        request = describe_log_dirs.DescribeLogDirsRequest(topics=None)
        response = describe_log_dirs.DescribeLogDirsResponse
        return await self._ask(request, response, read, self._deadline(timeout_ms), node=node_id)

    async def describe_quorum(self, *, timeout_ms: float | None = None) -> QuorumDescription:
        """The leader, voters and observers of the metadata log."""

        def read(answer: describe_quorum.DescribeQuorumResponse) -> QuorumDescription:
            check(answer.error_code, "quorum", answer.error_message)
            ((found,),) = [each.partitions for each in answer.topics]
            check(found.error_code, "quorum", found.error_message)
            return QuorumDescription(
                found.leader_id,
                found.leader_epoch,
                found.high_watermark,
                [_quorum_replica(each) for each in found.current_voters],
                [_quorum_replica(each) for each in found.observers],
            )

        topic = describe_quorum.DescribeQuorumRequestTopicData(
            topic_name=_METADATA_TOPIC,
            partitions=[describe_quorum.DescribeQuorumRequestPartitionData(partition_index=0)],
        )
        request = describe_quorum.DescribeQuorumRequest(topics=[topic])
        response = describe_quorum.DescribeQuorumResponse
        return await self._ask(request, response, read, self._deadline(timeout_ms))

    # --- features

    async def describe_features(
        self, *, timeout_ms: float | None = None
    ) -> dict[str, FeatureLevels]:
        """The features that the brokers support, and the levels that are in force."""

        def read(answer: ApiVersionsResponse) -> dict[str, FeatureLevels]:
            check(answer.error_code, "ApiVersions")
            final = {each.name: each.max_version_level for each in answer.finalized_features}
            return {
                each.name: FeatureLevels(each.min_version, each.max_version, final.get(each.name))
                for each in answer.supported_features
            }

        request = ApiVersionsRequest(
            client_software_name="minikafka-client", client_software_version="0.1"
        )
        return await self._ask(request, ApiVersionsResponse, read, self._deadline(timeout_ms))

    async def update_features(
        self,
        levels: Mapping[str, int],
        *,
        downgrade: bool = False,
        validate_only: bool = False,
        timeout_ms: float | None = None,
    ) -> None:
        """Put features in force at other levels; level 0 takes one out."""
        deadline = self._deadline(timeout_ms)
        request = update_features.UpdateFeaturesRequest(
            timeout_ms=self._broker_ms(deadline),
            feature_updates=[
                update_features.FeatureUpdateKey(
                    feature=name,
                    max_version_level=level,
                    upgrade_type=_SAFE_DOWNGRADE if downgrade else _UPGRADE,
                )
                for name, level in levels.items()
            ],
            validate_only=validate_only,
        )

        def read(answer: update_features.UpdateFeaturesResponse) -> None:
            check(answer.error_code, "features", answer.error_message)
            for each in answer.results:
                check(each.error_code, each.feature, each.error_message)

        await self._ask(request, update_features.UpdateFeaturesResponse, read, deadline)

    # --- partitions

    async def elect_leaders(
        self,
        places: Iterable[tuple[str, int]] | None = None,
        *,
        unclean: bool = False,
        timeout_ms: float | None = None,
    ) -> dict[TopicPartition, ErrorCode]:
        """Let preferred replicas lead, or any (`unclean`) where there is no leader.

        For all partitions unless some are given. The codes of those where that was not possible;
        no election where none was needed is a success.
        """
        deadline = self._deadline(timeout_ms)
        topics: dict[str, list[int]] = {}
        for topic, partition in places or ():
            topics.setdefault(topic, []).append(partition)
        asked = [
            elect_leaders.TopicPartitions(topic=topic, partitions=each)
            for topic, each in topics.items()
        ]
        request = elect_leaders.ElectLeadersRequest(
            election_type=_UNCLEAN if unclean else _PREFERRED,
            topic_partitions=None if places is None else asked,
            timeout_ms=self._broker_ms(deadline),
        )

        def read(answer: elect_leaders.ElectLeadersResponse) -> dict[TopicPartition, ErrorCode]:
            check(answer.error_code, "ElectLeaders")
            return {
                TopicPartition(topic.topic, each.partition_id): error_code(each.error_code)
                for topic in answer.replica_election_results
                for each in topic.partition_result
                if each.error_code not in _NO_ELECTION
            }

        return await self._ask(request, elect_leaders.ElectLeadersResponse, read, deadline)

    async def list_partition_reassignments(
        self, *, timeout_ms: float | None = None
    ) -> dict[TopicPartition, Reassignment]:
        """The partitions whose replicas are being moved."""
        deadline = self._deadline(timeout_ms)
        request = list_partition_reassignments.ListPartitionReassignmentsRequest(
            timeout_ms=self._broker_ms(deadline), topics=None
        )
        response = list_partition_reassignments.ListPartitionReassignmentsResponse

        def read(
            answer: list_partition_reassignments.ListPartitionReassignmentsResponse,
        ) -> dict[TopicPartition, Reassignment]:
            check(answer.error_code, "reassignments", answer.error_message)
            return {
                TopicPartition(topic.name, each.partition_index): Reassignment(
                    each.replicas, each.adding_replicas, each.removing_replicas
                )
                for topic in answer.topics
                for each in topic.partitions
            }

        return await self._ask(request, response, read, deadline)

    async def describe_producers(
        self, place: tuple[str, int], *, timeout_ms: float | None = None
    ) -> list[ProducerDescription]:
        """The idempotent producers that a partition's leader remembers."""
        topic, partition = place
        asked = describe_producers.TopicRequest(name=topic, partition_indexes=[partition])

        def read(answer: describe_producers.DescribeProducersResponse) -> list[ProducerDescription]:
            ((found,),) = [each.partitions for each in answer.topics]
            check(found.error_code, f"{topic}-{partition}", found.error_message)
            return [
                ProducerDescription(
                    each.producer_id,
                    each.producer_epoch,
                    each.last_sequence,
                    each.last_timestamp,
                    each.current_txn_start_offset,
                )
                for each in found.active_producers
            ]

        return await self._ask(
            describe_producers.DescribeProducersRequest(topics=[asked]),
            describe_producers.DescribeProducersResponse,
            read,
            self._deadline(timeout_ms),
            leader_of=TopicPartition(*place),
        )

    # --- configs and quotas

    async def list_config_resources(
        self, *kinds: ResourceType, timeout_ms: float | None = None
    ) -> list[tuple[ResourceType, str]]:
        """What has configs, of some kinds only if there are given (KIP-1142)."""

        def read(
            answer: list_config_resources.ListConfigResourcesResponse,
        ) -> list[tuple[ResourceType, str]]:
            check(answer.error_code, "ListConfigResources")
            return sorted(
                (ResourceType(each.resource_type), each.resource_name)
                for each in answer.config_resources
            )

        request = list_config_resources.ListConfigResourcesRequest(resource_types=list(kinds))
        response = list_config_resources.ListConfigResourcesResponse
        return await self._ask(request, response, read, self._deadline(timeout_ms))

    async def describe_client_quotas(
        self, entity: Mapping[str, str | None] | None = None, *, timeout_ms: float | None = None
    ) -> list[tuple[dict[str, str | None], dict[str, float]]]:
        """Pairs of an entity and its quotas: of all entities, or of those that one describes.

        An entity is like `{"user": "alice", "client-id": None}`; None stands for the default.
        """
        components = [
            describe_client_quotas.ComponentData(
                entity_type=kind, match_type=_DEFAULT if name is None else _EXACT, match=name
            )
            for kind, name in (entity or {}).items()
        ]

        def read(
            answer: describe_client_quotas.DescribeClientQuotasResponse,
        ) -> list[tuple[dict[str, str | None], dict[str, float]]]:
            check(answer.error_code, "quotas", answer.error_message)
            return [
                (
                    {each.entity_type: each.entity_name for each in entry.entity},
                    {each.key: each.value for each in entry.values},
                )
                for entry in answer.entries or ()
            ]

        request = describe_client_quotas.DescribeClientQuotasRequest(
            components=components, strict=False
        )
        response = describe_client_quotas.DescribeClientQuotasResponse
        return await self._ask(request, response, read, self._deadline(timeout_ms))

    async def alter_client_quotas(
        self,
        entity: Mapping[str, str | None],
        changes: Mapping[str, float | None],
        *,
        validate_only: bool = False,
        timeout_ms: float | None = None,
    ) -> None:
        """Change quotas of an entity (as in `describe_client_quotas`); None removes one."""
        entry = alter_client_quotas.AlterClientQuotasRequestEntryData(
            entity=[
                alter_client_quotas.EntityData(entity_type=kind, entity_name=name)
                for kind, name in entity.items()
            ],
            ops=[
                alter_client_quotas.OpData(key=key, value=value or 0.0, remove=value is None)
                for key, value in changes.items()
            ],
        )

        def read(answer: alter_client_quotas.AlterClientQuotasResponse) -> None:
            for each in answer.entries:
                check(each.error_code, f"quotas of {dict(entity)}", each.error_message)

        request = alter_client_quotas.AlterClientQuotasRequest(
            entries=[entry], validate_only=validate_only
        )
        response = alter_client_quotas.AlterClientQuotasResponse
        await self._ask(request, response, read, self._deadline(timeout_ms))


def _replica_sizes(
    found: describe_log_dirs.DescribeLogDirsResult,
) -> dict[TopicPartition, ReplicaSize]:
    return {
        TopicPartition(topic.name, each.partition_index): ReplicaSize(
            each.partition_size, each.offset_lag, each.is_future_key
        )
        for topic in found.topics
        for each in topic.partitions
    }


def _quorum_replica(state: describe_quorum.ReplicaState) -> QuorumReplica:
    return QuorumReplica(
        state.replica_id,
        state.log_end_offset,
        state.last_fetch_timestamp,
        state.last_caught_up_timestamp,
    )
