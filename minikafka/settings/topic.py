"""`TopicSettings`: what a topic's configs come to, over the broker's defaults."""

from collections.abc import Mapping
from typing import Any, Final

from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import Setting, SettingError
from minikafka.settings.topic_keys import POLICIES, TopicKeys

_NOTHING: Final[Mapping[str, str]] = {}

#: the largest batch of records that a leader of the metadata quorum writes
METADATA_BATCH_BYTES: Final = 8 * 1024 * 1024


class TopicSettings(TopicKeys):
    """The settings of one topic: one typed attribute per key, dots as underscores.

    Assigned whole to a running log when configs change; never changed in place.
    """

    @classmethod
    def resolve(
        cls,
        topic_overrides: Mapping[str, str],
        broker: BrokerSettings,
        broker_dynamic: Mapping[str, str] = _NOTHING,
        cluster_dynamic: Mapping[str, str] = _NOTHING,
    ) -> "TopicSettings":
        """The values in effect: the topic's own, else the broker's, best source first.

        The dynamic maps hold broker keys (KIP-226). SettingError: a value that its key does not
        take, which only unvalidated overrides can have.
        """
        held: dict[str, Any] = {}
        for key, declared in cls.declarations.items():
            own = topic_overrides.get(key)
            held[declared.attribute] = (
                declared.parse(own)
                if own is not None
                else _server_default(declared, broker, broker_dynamic, cluster_dynamic)
            )
        settings = cls()
        settings._assign(held)
        return settings

    @classmethod
    def for_metadata_log(cls, broker: BrokerSettings) -> "TopicSettings":
        """The settings of `__cluster_metadata-0`: nothing expires, segments by `metadata.log.*`."""
        return cls.resolve(
            {
                "segment.bytes": str(broker.metadata_log_segment_bytes),
                "segment.ms": str(broker.metadata_log_segment_ms),
                "segment.jitter.ms": "0",
                "retention.ms": "-1",
                "retention.bytes": "-1",
                "max.message.bytes": str(METADATA_BATCH_BYTES),
                "message.timestamp.type": "CreateTime",
                "compression.type": "producer",
                "min.insync.replicas": "1",
            },
            broker,
        )


def _server_default(
    declared: Setting[Any],
    broker: BrokerSettings,
    broker_dynamic: Mapping[str, str],
    cluster_dynamic: Mapping[str, str],
) -> Any:
    if not declared.synonyms:
        return declared.default
    (broker_key,) = declared.synonyms
    for dynamic in (broker_dynamic, cluster_dynamic):
        if broker_key in dynamic:
            return declared.parse(dynamic[broker_key])
    attribute = broker_key.replace(".", "_")
    if broker_key not in BrokerSettings.declarations:
        return declared.default
    value = getattr(broker, attribute)
    return frozenset(value) if declared.kind is POLICIES else value


def validate_topic_configs(
    configs: Mapping[str, str | None], broker: BrokerSettings | None = None
) -> None:
    """SettingError when a topic may not have `configs`; `broker` gives the defaults beside them.

    The order is Kafka's: null values, unknown names, each value, then values against each other.
    """
    missing = [key for key, value in configs.items() if value is None]
    if missing:
        text = f"Null value not supported for topic configs: {','.join(missing)}"
        raise SettingError(missing[0], None, "a value", text)
    overrides = {key: value for key, value in configs.items() if value is not None}
    for key in overrides:
        if key not in TopicSettings.declarations:
            text = f"Unknown topic config name: {key}"
            raise SettingError(key, overrides[key], "a topic config", text)
    for key, value in overrides.items():
        TopicSettings.declarations[key].parse(value)
    settings = TopicSettings.resolve(overrides, broker or BrokerSettings.parse({}))
    _require_consistent(settings)


def _require_consistent(settings: TopicSettings) -> None:
    least_ms, most_ms = settings.min_compaction_lag_ms, settings.max_compaction_lag_ms
    if least_ms > most_ms:
        key = "min.compaction.lag.ms"
        text = (
            f"conflict topic config setting {key} ({least_ms}) > max.compaction.lag.ms ({most_ms})"
        )
        raise SettingError(key, str(least_ms), "at most max.compaction.lag.ms", text)
    if settings.remote_storage_enable:
        text = "Tiered storage is not available: a topic cannot have remote log storage."
        raise SettingError("remote.storage.enable", "true", "false", text)
