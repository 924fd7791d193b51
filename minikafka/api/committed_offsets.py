"""OffsetCommit (8), OffsetFetch (9), OffsetDelete (47): how far groups have read.

Topics are looked up here: the coordinator hears only of what exists, with its name and its id.
OffsetCommit v2-10 · v10 topic ids. OffsetFetch v1-10 · v2 null topics: all · v8 several groups
(KIP-709) · v10 topic ids. A group that is unknown has committed nothing; that is no error.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast
from uuid import UUID

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, refuse_with_error_code
from minikafka.api.group_requests import Gathering, Reply, require_group_id
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from minikafka.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from minikafka.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from minikafka.protocol.types import ZERO_UUID

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment
    from minikafka.coordinators.group.coordinator import GroupCoordinator
    from minikafka.metadata.image import TopicImage
    from minikafka.protocol.types import Message, Struct

_TOPIC_IDS_SINCE = 10
_SEVERAL_GROUPS_SINCE = 8
_GROUP_ERROR_SINCE = 2
_NO_OFFSET = -1


# -- OffsetCommit ---------------------------------------------------------------------------------


def refuse_commit(
    context: RequestContext, request: OffsetCommitRequest, error: KafkaError
) -> OffsetCommitResponse:
    """The error at every partition."""
    return OffsetCommitResponse(topics=[_refused(topic, error.code) for topic in request.topics])


def _refused(topic: OffsetCommitRequestTopic, code: ErrorCode) -> OffsetCommitResponseTopic:
    return OffsetCommitResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        partitions=[
            OffsetCommitResponsePartition(
                partition_index=partition.partition_index, error_code=int(code)
            )
            for partition in topic.partitions
        ],
    )


@handles(ApiKey.OFFSET_COMMIT, refusal=refuse_commit)
def offset_commit(
    context: RequestContext, request: OffsetCommitRequest
) -> OffsetCommitResponse | None:
    """Commit what exists, refuse the rest by itself."""
    refused: list[OffsetCommitResponseTopic] = []
    existing: list[OffsetCommitRequestTopic] = []
    for topic in request.topics:
        image = _topic(context, topic.name, topic.topic_id)
        if image is None:
            by_id = context.version >= _TOPIC_IDS_SINCE
            refused.append(
                _refused(
                    topic,
                    ErrorCode.UNKNOWN_TOPIC_ID if by_id else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                )
            )
            continue
        topic.name, topic.topic_id = image.name, image.topic_id
        wanted = topic.partitions
        topic.partitions = [p for p in wanted if p.partition_index in image.partitions]
        if len(topic.partitions) < len(wanted):
            missing = [p for p in wanted if p.partition_index not in image.partitions]
            missing_topic = OffsetCommitRequestTopic(
                name=topic.name, topic_id=topic.topic_id, partitions=missing
            )
            refused.append(_refused(missing_topic, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
        if topic.partitions:
            existing.append(topic)
    if not existing:
        return OffsetCommitResponse(topics=refused)
    request.topics = existing
    reply = CommitReply(context, request, refused)
    version = context.version
    context.services.groups.submit(
        request.group_id,
        reply,
        lambda groups, decision, now: groups.commit(request, version, reply, decision, now),
    )
    return None


def _topic(context: RequestContext, name: str, topic_id: UUID) -> TopicImage | None:
    image = context.services.image
    if context.version >= _TOPIC_IDS_SINCE:
        return image.topics_by_id.get(topic_id)
    return image.topics.get(name)


class CommitReply(Reply):
    """Adds what never came to the coordinator."""

    __slots__ = ("_refused",)

    def __init__(
        self,
        context: RequestContext,
        request: Message,
        refused: list[OffsetCommitResponseTopic],
    ) -> None:
        super().__init__(context, request, self._refuse_all)
        self._refused = refused

    def answer(self, response: Struct) -> None:
        """Send the response; partitions of one topic stand together."""
        assert isinstance(response, OffsetCommitResponse)
        self._add_refused(response)
        super().answer(response)

    def _refuse_all(
        self, context: RequestContext, request: OffsetCommitRequest, error: KafkaError
    ) -> OffsetCommitResponse:
        response = refuse_commit(context, request, error)
        self._add_refused(response)
        return response

    def _add_refused(self, response: OffsetCommitResponse) -> None:
        by_name = {topic.name: topic for topic in response.topics if topic.name}
        for refused in self._refused:
            known = by_name.get(refused.name)
            if known is None:
                response.topics.append(refused)
            else:
                known.partitions.extend(refused.partitions)


# -- OffsetFetch ----------------------------------------------------------------------------------


def refuse_fetch(
    context: RequestContext, request: OffsetFetchRequest, error: KafkaError
) -> OffsetFetchResponse:
    """The error at every group, or as the one of the only group."""
    groups = [_refuse_group(group.group_id, error) for group in _groups(context, request)]
    return _fetch_response(context, request, groups)


@handles(ApiKey.OFFSET_FETCH, refusal=refuse_fetch)
def offset_fetch(context: RequestContext, request: OffsetFetchRequest) -> None:
    """Each group by itself."""
    groups = _groups(context, request)
    host = context.services.groups
    gathering = Gathering(
        context, len(groups), lambda found: _fetch_response(context, request, found)
    )
    for index, group in enumerate(groups):
        unknown = _names_for_ids(context, group)
        waiter = gathering.part(index, partial(_refuse_group, group.group_id))

        def fetch(
            machine: GroupCoordinator,
            decision: Decision,
            now: Moment,
            group: OffsetFetchRequestGroup = group,
            unknown: list[OffsetFetchResponseTopics] = unknown,
            waiter: object = waiter,
        ) -> None:
            found = machine.fetch_offsets(group, require_stable=request.require_stable)
            _ids_for_names(context, found)
            found.topics.extend(unknown)
            decision.answer(cast("Reply", waiter), found)

        host.submit(group.group_id, waiter, fetch)


def _groups(context: RequestContext, request: OffsetFetchRequest) -> list[OffsetFetchRequestGroup]:
    if context.version >= _SEVERAL_GROUPS_SINCE:
        return request.groups
    topics = None
    if request.topics is not None:
        topics = [
            OffsetFetchRequestTopics(name=topic.name, partition_indexes=topic.partition_indexes)
            for topic in request.topics
        ]
    return [OffsetFetchRequestGroup(group_id=request.group_id, topics=topics)]


def _refuse_group(group_id: str, error: KafkaError) -> OffsetFetchResponseGroup:
    return OffsetFetchResponseGroup(group_id=group_id, error_code=int(error.code))


def _names_for_ids(
    context: RequestContext, group: OffsetFetchRequestGroup
) -> list[OffsetFetchResponseTopics]:
    """Give each topic its name (v10); those with an unknown id leave the request, refused."""
    if context.version < _TOPIC_IDS_SINCE or group.topics is None:
        return []
    refused, known = [], []
    for topic in group.topics:
        image = context.services.image.topics_by_id.get(topic.topic_id)
        if image is not None:
            topic.name = image.name
            known.append(topic)
        else:
            refused.append(
                OffsetFetchResponseTopics(
                    topic_id=topic.topic_id,
                    partitions=[
                        OffsetFetchResponsePartitions(
                            partition_index=index,
                            committed_offset=_NO_OFFSET,
                            error_code=int(ErrorCode.UNKNOWN_TOPIC_ID),
                        )
                        for index in topic.partition_indexes
                    ],
                )
            )
    group.topics = known
    return refused


def _ids_for_names(context: RequestContext, found: OffsetFetchResponseGroup) -> None:
    """Give each topic its id (v10); a deleted topic's offsets cannot be told."""
    if context.version < _TOPIC_IDS_SINCE:
        return
    topics = context.services.image.topics
    for topic in found.topics:
        image = topics.get(topic.name)
        topic.topic_id = ZERO_UUID if image is None else image.topic_id
    found.topics = [topic for topic in found.topics if topic.topic_id != ZERO_UUID]


def _fetch_response(
    context: RequestContext, request: OffsetFetchRequest, groups: list[OffsetFetchResponseGroup]
) -> OffsetFetchResponse:
    if context.version >= _SEVERAL_GROUPS_SINCE:
        return OffsetFetchResponse(groups=groups)
    (only,) = groups
    if only.error_code and context.version < _GROUP_ERROR_SINCE:
        return OffsetFetchResponse(topics=_error_at_partitions(request, only.error_code))
    return OffsetFetchResponse(
        error_code=only.error_code,
        topics=[
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=partition.partition_index,
                        committed_offset=partition.committed_offset,
                        committed_leader_epoch=partition.committed_leader_epoch,
                        metadata=partition.metadata,
                        error_code=partition.error_code,
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in only.topics
        ],
    )


def _error_at_partitions(request: OffsetFetchRequest, code: int) -> list[OffsetFetchResponseTopic]:
    """Version 1 has no error of the whole."""
    return [
        OffsetFetchResponseTopic(
            name=topic.name,
            partitions=[
                OffsetFetchResponsePartition(
                    partition_index=index, committed_offset=_NO_OFFSET, error_code=code
                )
                for index in topic.partition_indexes
            ],
        )
        for topic in request.topics or []
    ]


# -- OffsetDelete ---------------------------------------------------------------------------------


@handles(ApiKey.OFFSET_DELETE)
def offset_delete(context: RequestContext, request: OffsetDeleteRequest) -> None:
    """Delete the offsets of partitions that exist."""
    require_group_id(request.group_id)
    unknown: list[OffsetDeleteResponseTopic] = []
    for topic in request.topics:
        image = context.services.image.topics.get(topic.name)
        existing = {} if image is None else image.partitions
        missing = [p for p in topic.partitions if p.partition_index not in existing]
        topic.partitions = [p for p in topic.partitions if p.partition_index in existing]
        unknown.append(
            OffsetDeleteResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetDeleteResponsePartition(
                        partition_index=partition.partition_index,
                        error_code=int(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
                    )
                    for partition in missing
                ],
            )
        )
    reply = DeleteReply(context, request, unknown)
    context.services.groups.submit(
        request.group_id,
        reply,
        lambda groups, decision, now: groups.delete_offsets(request, reply, decision),
    )


class DeleteReply(Reply):
    """Adds the partitions that are unknown, topic by topic as they were asked for."""

    __slots__ = ("_unknown",)

    def __init__(
        self,
        context: RequestContext,
        request: Message,
        unknown: list[OffsetDeleteResponseTopic],
    ) -> None:
        super().__init__(context, request, refuse_with_error_code)
        self._unknown = unknown

    def answer(self, response: Struct) -> None:
        """Send the response."""
        assert isinstance(response, OffsetDeleteResponse)
        for topic, unknown in zip(response.topics, self._unknown, strict=True):
            topic.partitions.extend(unknown.partitions)
        super().answer(response)
