"""What lies between two images: for a node that was handed a snapshot while it runs.

A run of records tells by itself what it touches. A snapshot replaces the image as a whole, and
whoever follows the metadata must still hear of what has changed, no more and no less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikafka.metadata.delta import MetadataDelta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minikafka.metadata.image import MetadataImage

_SECURITY = ("acls", "scram_credentials", "delegation_tokens", "client_quotas")


def difference(before: MetadataImage, after: MetadataImage) -> MetadataDelta:
    """The delta that leads from one image to a later one."""
    delta = MetadataDelta()
    _topics(before, after, delta)
    delta.changed_configs = _changed(before.configs, after.configs)
    for broker_id in _keys(before.brokers, after.brokers):
        old, new = before.brokers.get(broker_id), after.brokers.get(broker_id)
        if old is None or new is None or _fields(old) != _fields(new):
            delta.changed_brokers.add(broker_id)
    delta.features_changed = before.features != after.features
    delta.security_changed = any(
        getattr(before, name) != getattr(after, name) for name in _SECURITY
    )
    return delta


def _topics(before: MetadataImage, after: MetadataImage, delta: MetadataDelta) -> None:
    for name, topic in before.topics.items():
        successor = after.topics.get(name)
        if successor is None or successor.topic_id != topic.topic_id:
            delta.deleted_topics[name] = topic
    for name, topic in after.topics.items():
        old = before.topics.get(name)
        is_new = old is None or old.topic_id != topic.topic_id
        if is_new:
            delta.created_topics.add(name)
        for index, partition in topic.partitions.items():
            if is_new or old is None or old.partitions.get(index) != partition:
                delta.changed_partitions.add((name, index))


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> set[Any]:
    return {key for key in _keys(before, after) if before.get(key) != after.get(key)}


def _keys(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[Any]:
    return [*before, *(key for key in after if key not in before)]


def _fields(value: object) -> list[Any]:
    return [getattr(value, name) for name in value.__slots__]  # type: ignore[attr-defined]  # slots
