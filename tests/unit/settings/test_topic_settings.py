import pytest

from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import SettingError
from minikafka.settings.topic import TopicSettings, validate_topic_configs

BROKER = BrokerSettings.parse({})


def refusal(configs: dict[str, str | None]) -> str:
    with pytest.raises(SettingError) as caught:
        validate_topic_configs(configs, BROKER)
    assert caught.value.error_code == 40
    return str(caught.value)


def test_defaults_come_from_the_broker() -> None:
    broker = BrokerSettings.parse(
        {"log.retention.hours": "2", "log.cleanup.policy": "compact,delete", "log.roll.ms": "9"}
    )
    settings = TopicSettings.resolve({}, broker)
    assert settings.retention_ms == 7_200_000
    assert settings.cleanup_policy == {"compact", "delete"}
    assert settings.segment_ms == 9
    assert settings.max_message_bytes == 1_048_588


def test_the_best_source_wins() -> None:
    cluster = {"log.retention.ms": "30", "log.segment.bytes": "3000000"}
    node = {"log.retention.ms": "20"}
    own = {"retention.ms": "10"}
    assert TopicSettings.resolve(own, BROKER, node, cluster).retention_ms == 10
    assert TopicSettings.resolve({}, BROKER, node, cluster).retention_ms == 20
    assert TopicSettings.resolve({}, BROKER, {}, cluster).retention_ms == 30
    assert TopicSettings.resolve({}, BROKER, {}, cluster).segment_bytes == 3_000_000
    assert TopicSettings.resolve({}, BROKER).retention_ms == 604_800_000


def test_every_topic_default_equals_the_brokers() -> None:
    for declared, value in TopicSettings.resolve({}, BROKER).values():
        assert value == declared.default, declared.key


def test_metadata_log() -> None:
    settings = TopicSettings.for_metadata_log(
        BrokerSettings.parse({"metadata.log.segment.bytes": "8388608", "log.retention.ms": "1"})
    )
    assert (settings.segment_bytes, settings.retention_ms) == (8_388_608, -1)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("nope", "1", "Unknown topic config name: nope"),
        ("message.format.version", "2.0", "Unknown topic config name: message.format.version"),
        ("retention.ms", None, "Null value not supported for topic configs: retention.ms"),
        ("retention.ms", "abc", "abc for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number"),
        ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be"),
        ("segment.bytes", "10", "Value must be at least 1048576"),
        ("segment.bytes", "99999999999", "Not a number of type INT"),
        ("compression.lz4.level", "18", "Value must be no more than 17"),
        ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
        ("compression.zstd.level", "-131073", "Value must be at least -131072"),
        (
            "compression.type",
            "foo",
            "Invalid value foo for configuration compression.type: String must be one of: "
            "uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        ("preallocate", "yes", "Expected value to be either true or false"),
        ("cleanup.policy", "delete,foo", "Invalid value foo for configuration cleanup.policy: Str"),
        ("cleanup.policy", "a,,b", "Configuration 'cleanup.policy' values must not be empty."),
        ("min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"),
        ("leader.replication.throttled.replicas", "a:b", "Invalid value [a:b] for"),
        ("leader.replication.throttled.replicas", "*,0:1", "Invalid value [*, 0:1] for"),
        ("message.timestamp.type", "createtime", "String must be one of: CreateTime, LogAppend"),
        ("flush.messages", "0", "Value must be at least 1"),
        ("segment.index.bytes", "3", "Value must be at least 4"),
        ("remote.storage.enable", "true", "Tiered storage"),
    ],
)
def test_what_kafka_refuses(key: str, value: str | None, text: str) -> None:
    assert text in refusal({key: value})


def test_lags_must_fit_each_other() -> None:
    assert refusal({"max.compaction.lag.ms": "5", "min.compaction.lag.ms": "6"}) == (
        "conflict topic config setting min.compaction.lag.ms (6) > max.compaction.lag.ms (5)"
    )
    eager = BrokerSettings.parse({"log.cleaner.max.compaction.lag.ms": "5"})
    with pytest.raises(SettingError, match="conflict"):
        validate_topic_configs({"min.compaction.lag.ms": "6"}, eager)


def test_an_unknown_name_is_told_before_a_bad_value() -> None:
    assert "nope" in refusal({"segment.ms": "x", "nope": "1"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("preallocate", " TRUE "),
        ("cleanup.policy", ""),
        ("cleanup.policy", " compact , delete "),
        ("cleanup.policy", "delete,delete"),
        ("min.cleanable.dirty.ratio", "NaN"),
        ("min.cleanable.dirty.ratio", "0.25f"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:1, 1:2"),
        ("retention.ms", "+1000"),
        ("retention.bytes", "-5"),
        ("min.insync.replicas", "9"),
    ],
)
def test_what_kafka_accepts(key: str, value: str) -> None:
    validate_topic_configs({key: value}, BROKER)
