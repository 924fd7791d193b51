"""Topics that come into being because somebody asked for them (`auto.create.topics.enable`).

The creation goes to the controller like any client's CreateTopics, and nobody waits for it. A name
is asked for once: further requests while its creation is under way start no second one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from minikafka.metadata.topic_names import (
    CONSUMER_OFFSETS_TOPIC,
    SHARE_GROUP_STATE_TOPIC,
    TRANSACTION_STATE_TOPIC,
)
from minikafka.protocol.apis import ApiKey, valid_versions
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from minikafka.settings.accepted import accepted_settings

if TYPE_CHECKING:
    from minikafka.api.context import RequestContext
    from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.api")


def create_topics(context: RequestContext, names: Sequence[str]) -> None:
    """Start the creation of those topics that are not being created already."""
    services = context.services
    creating = services.creating_topics
    fresh = [name for name in names if name not in creating]
    if fresh:
        creating.update(dict.fromkeys(fresh))
        services.scope.spawn(_create(context, fresh), f"create topics {', '.join(fresh)}")


async def _create(context: RequestContext, names: list[str]) -> None:
    services = context.services
    settings = services.settings
    request = CreateTopicsRequest(
        topics=[creatable_topic(name, settings) for name in names],
        timeout_ms=settings.request_timeout_ms,
    )
    version = valid_versions(ApiKey.CREATE_TOPICS)[1]
    try:
        response = await services.controller.handle(request, version, context.client_id)
    except KafkaError as error:
        # There is no answer to put it in: the client was told that the topic is unknown.
        logger.warning("topics %s were not created: %s", ", ".join(names), error)
    else:
        assert isinstance(response, CreateTopicsResponse)
        _report(response)
    finally:
        for name in names:
            services.creating_topics.pop(name, None)


def _report(response: CreateTopicsResponse) -> None:
    for result in response.topics:
        # Another broker may have been asked at the same time.
        if result.error_code not in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS):
            logger.warning(
                "topic %s was not created: error %d, %s",
                result.name,
                result.error_code,
                result.error_message,
            )


def creatable_topic(name: str, settings: BrokerSettings) -> CreatableTopic:
    """The topic `name` as this broker's settings want it when nobody said more than the name.

    Kafka's own topics have settings of their own, so that `num.partitions` may change without
    moving a single group to another coordinator.
    """
    if name == CONSUMER_OFFSETS_TOPIC:
        return _topic(
            name,
            settings.offsets_topic_num_partitions,
            settings.offsets_topic_replication_factor,
            {
                "cleanup.policy": "compact",
                "compression.type": "producer",
                "segment.bytes": str(settings.offsets_topic_segment_bytes),
            },
        )
    if name == TRANSACTION_STATE_TOPIC:
        return _topic(
            name,
            settings.transaction_state_log_num_partitions,
            settings.transaction_state_log_replication_factor,
            {
                "cleanup.policy": "compact",
                "compression.type": "uncompressed",
                "min.insync.replicas": str(settings.transaction_state_log_min_isr),
                "segment.bytes": str(settings.transaction_state_log_segment_bytes),
                "unclean.leader.election.enable": "false",
            },
        )
    if name == SHARE_GROUP_STATE_TOPIC:
        return _topic(
            name,
            int(_accepted(settings, "share.coordinator.state.topic.num.partitions")),
            int(_accepted(settings, "share.coordinator.state.topic.replication.factor")),
            {
                "cleanup.policy": "delete",
                "compression.type": "producer",
                "min.insync.replicas": _accepted(settings, "share.coordinator.state.topic.min.isr"),
                "retention.ms": "-1",
                "segment.bytes": _accepted(settings, "share.coordinator.state.topic.segment.bytes"),
            },
        )
    return _topic(name, settings.num_partitions, settings.default_replication_factor, {})


def _topic(
    name: str, num_partitions: int, replication_factor: int, configs: dict[str, str]
) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=num_partitions,
        replication_factor=replication_factor,
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in configs.items()],
    )


def _accepted(settings: BrokerSettings, key: str) -> str:
    """A key that nothing else reads as long as share groups are not served."""
    default = accepted_settings()[key].default_text
    assert default is not None, key
    return settings.originals.get(key, default)
