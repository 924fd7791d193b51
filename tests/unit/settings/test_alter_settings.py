import pytest

from minikafka.settings.alter import (
    Alteration,
    alter_broker,
    alter_client_metrics,
    alter_group,
    alter_topic,
    apply_operations,
)
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import SettingError
from minikafka.settings.topic import TopicSettings

BROKER = BrokerSettings.parse({})
SET, DELETE, APPEND, SUBTRACT = range(4)
POLICY = "cleanup.policy"


def topic(current: dict[str, str], *operations: Alteration) -> dict[str, str]:
    return alter_topic(current, operations, BROKER)


def code_and_text(error: pytest.ExceptionInfo[SettingError]) -> tuple[int, str]:
    return error.value.error_code, str(error.value)


def test_set_and_delete() -> None:
    assert topic({}, ("retention.ms", SET, "5")) == {"retention.ms": "5"}
    assert topic({"retention.ms": "5"}, ("retention.ms", DELETE, None)) == {}
    assert topic({}, ("retention.ms", DELETE, None), ("nope", DELETE, None)) == {}


def test_the_present_configs_are_left_alone() -> None:
    current = {"retention.ms": "5"}
    topic(current, ("retention.ms", SET, "6"))
    assert current == {"retention.ms": "5"}


@pytest.mark.parametrize(
    ("current", "operation", "value", "expected"),
    [
        ({}, APPEND, "compact", "delete,compact"),  # the default is what is appended to
        ({POLICY: "compact"}, APPEND, "compact", "compact"),
        ({POLICY: "compact"}, APPEND, "delete,compact", "compact,delete"),
        ({POLICY: "delete,compact"}, SUBTRACT, "delete", "compact"),
        ({POLICY: "compact"}, SUBTRACT, "compact", ""),
        ({POLICY: ""}, SUBTRACT, "compact", ""),
        ({POLICY: ""}, APPEND, "compact", "compact"),
    ],
)
def test_lists_grow_and_shrink(
    current: dict[str, str], operation: int, value: str, expected: str
) -> None:
    assert topic(current, (POLICY, operation, value)) == {POLICY: expected}


@pytest.mark.parametrize(
    ("operations", "code", "text"),
    [
        ([("nope", SET, "5")], 40, "Unknown topic config name: nope"),
        ([("segment.bytes", SET, "5")], 40, "Value must be at least 1048576"),
        ([("retention.ms", SET, None)], 42, "Null value not supported for : retention.ms"),
        ([(POLICY, APPEND, None)], 42, "Null value not supported for : cleanup.policy"),
        ([("retention.ms", SET, "1"), ("retention.ms", SET, "2")], 42, "duplicate config keys"),
        ([("retention.ms", 7, "1")], -1, "operation 7"),
        ([("retention.ms", APPEND, "1")], 40, "Can't APPEND to key retention.ms because its type"),
        ([("nope", SUBTRACT, "1")], 40, "Can't SUBTRACT to key nope because its type is not LIST"),
        ([(POLICY, APPEND, "foo")], 40, "Invalid value foo for configuration cleanup.policy"),
    ],
)
def test_what_is_refused(operations: list[Alteration], code: int, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        topic({}, *operations)
    told_code, told_text = code_and_text(caught)
    assert told_code == code
    assert text in told_text


def test_operations_alone_judge_no_value() -> None:
    altered = apply_operations({}, [("nope", SET, "x")], TopicSettings.declarations)
    assert altered == {"nope": "x"}


@pytest.mark.parametrize("cluster_wide", [False, True])
def test_broker_keys_that_change_while_running(cluster_wide: bool) -> None:
    altered = alter_broker(
        {"max.connections": "5"},
        [
            ("log.retention.ms", SET, "60000"),
            ("log.cleanup.policy", APPEND, "compact"),
            ("max.connections", DELETE, None),
            ("leader.replication.throttled.rate", SET, "50"),
            ("a.plugins.key", SET, "x"),
            ("num.partitions", DELETE, None),
        ],
        BROKER,
        cluster_wide=cluster_wide,
    )
    assert altered == {
        "log.retention.ms": "60000",
        "log.cleanup.policy": "delete,compact",
        "leader.replication.throttled.rate": "50",
        "a.plugins.key": "x",
    }


@pytest.mark.parametrize(
    ("key", "value", "cluster_wide", "text"),
    [
        ("num.partitions", "5", False, "Cannot update these configs dynamically: [num.partitions]"),
        ("log.retention.minutes", "5", True, "dynamically: [log.retention.minutes]"),
        ("advertised.listeners", "PLAINTEXT://a:1", False, "dynamically: [advertised.listeners]"),
        ("log.retention.ms", "x", False, "Not a number of type LONG"),
        ("log.retention.ms", "0", False, "-1, which is for ever"),
        ("log.segment.bytes", "3", True, "at least 1048576"),
        ("ssl.keystore.location", "/x", False, "one listener only"),
        ("listener.name.a.ssl.keystore.location", "/x", True, "a broker id is needed"),
        ("sasl.jaas.config", "x", True, "a broker id is needed"),
        ("num.io.threads", "0", False, "at least 1"),
    ],
)
def test_broker_changes_that_are_refused(
    key: str, value: str, cluster_wide: bool, text: str
) -> None:
    with pytest.raises(SettingError) as caught:
        alter_broker({}, [(key, SET, value)], BROKER, cluster_wide=cluster_wide)
    code, told = code_and_text(caught)
    assert code == 42
    assert text in told


def test_a_listeners_own_keys_change_on_one_broker() -> None:
    key = "listener.name.a.ssl.keystore.location"
    assert alter_broker({}, [(key, SET, "/x")], BROKER, cluster_wide=False) == {key: "/x"}


def test_appending_to_a_brokers_number_is_a_bad_config() -> None:
    with pytest.raises(SettingError) as caught:
        alter_broker({}, [("log.retention.ms", APPEND, "5")], BROKER, cluster_wide=False)
    assert caught.value.error_code == 40


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("consumer.session.timeout.ms", "100", "equal to group.consumer.min.session.timeout.ms"),
        ("consumer.session.timeout.ms", "100000", "equal to group.consumer.max.session.timeout.ms"),
        ("consumer.heartbeat.interval.ms", "1", "group.consumer.min.heartbeat.interval.ms"),
        ("streams.num.standby.replicas", "3", "equal to group.streams.max.standby.replicas"),
        ("share.delivery.count.limit", "1", "at least 2"),
        ("share.delivery.count.limit", "100", "equal to group.share.max.delivery.count.limit"),
        ("share.isolation.level", "x", "one of: read_committed, read_uncommitted"),
        ("share.auto.offset.reset", "EARLIEST", "earliest, latest or by_duration"),
        ("share.auto.offset.reset", "by_duration:P", "by_duration"),
        ("nope", "1", "Unknown group config name: nope"),
    ],
)
def test_group_configs_keep_to_the_brokers_limits(key: str, value: str, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        alter_group({}, [(key, SET, value)], BROKER)
    code, told = code_and_text(caught)
    assert code == 40
    assert text in told


def test_group_configs() -> None:
    operations: list[Alteration] = [
        ("consumer.session.timeout.ms", SET, "50000"),
        ("share.auto.offset.reset", SET, "by_duration:P1DT2H3M4.5S"),
    ]
    assert alter_group({}, operations, BROKER) == {
        "consumer.session.timeout.ms": "50000",
        "share.auto.offset.reset": "by_duration:P1DT2H3M4.5S",
    }


def test_a_groups_session_outlasts_its_heartbeat() -> None:
    lenient = BrokerSettings.parse({"group.consumer.min.session.timeout.ms": "1000"})
    with pytest.raises(SettingError, match=r"greater than consumer\.heartbeat\.interval\.ms"):
        alter_group({}, [("consumer.session.timeout.ms", SET, "5000")], lenient)


@pytest.mark.parametrize(
    ("key", "operation", "value", "code"),
    [
        ("interval.ms", SET, "50", 42),
        ("interval.ms", SET, "3600001", 42),
        ("interval.ms", SET, "x", 40),
        ("match", SET, "foo=x", 40),
        ("match", SET, "client_id=[", 40),
        ("match", SET, "client_id", 40),
        ("metrics", APPEND, "c", 40),
        ("nope", SET, "x", 42),
    ],
)
def test_client_metrics_refusals(key: str, operation: int, value: str, code: int) -> None:
    with pytest.raises(SettingError) as caught:
        alter_client_metrics({}, [(key, operation, value)])
    assert caught.value.error_code == code


def test_client_metrics() -> None:
    operations: list[Alteration] = [
        ("interval.ms", SET, "500"),
        ("match", SET, "client_id=a.*,client_source_port=[0-9]+"),
        ("metrics", SET, ""),
    ]
    assert alter_client_metrics({}, operations) == {key: value for key, _, value in operations}
