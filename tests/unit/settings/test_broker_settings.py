import pytest

from minikafka.settings.accepted import accepted_settings
from minikafka.settings.broker import BrokerSettings, Listener, Voter, unknown_keys
from minikafka.settings.declare import SettingError
from minikafka.settings.properties import parse_properties

#: the keys that Kafka's own config/server.properties sets
KAFKA_SAMPLE = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\\
    SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
"""

COMBINED = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@localhost:9093",
    "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "controller.listener.names": "CONTROLLER",
}
BROKER = {
    **COMBINED,
    "process.roles": "broker",
    "node.id": "2",
    "listeners": "PLAINTEXT://:9092",
}
CONTROLLER = {**COMBINED, "process.roles": "controller", "listeners": "CONTROLLER://:9093"}


def refusal(values: dict[str, str]) -> SettingError:
    with pytest.raises(SettingError) as caught:
        BrokerSettings.parse(values)
    return caught.value


def without(values: dict[str, str], *keys: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key not in keys}


def test_kafkas_own_sample_works_unchanged() -> None:
    values = parse_properties(KAFKA_SAMPLE)
    assert unknown_keys(values) == []
    settings = BrokerSettings.parse(values)
    assert settings.is_broker
    assert settings.is_controller
    assert settings.listeners == (
        Listener("PLAINTEXT", "", 9092, "PLAINTEXT"),
        Listener("CONTROLLER", "", 9093, "PLAINTEXT"),
    )
    assert settings.advertised("PLAINTEXT") == Listener("PLAINTEXT", "localhost", 9092, "PLAINTEXT")
    assert settings.controller_quorum_bootstrap_servers == ("localhost:9093",)
    assert settings.log_dirs == ("/tmp/kraft-combined-logs",)


def test_nothing_given_is_a_node_that_stands_alone() -> None:
    settings = BrokerSettings.parse({})
    assert settings.process_roles == {"broker", "controller"}
    assert settings.node_id == 1
    assert settings.broker_listeners() == (Listener("PLAINTEXT", "", 9092, "PLAINTEXT"),)
    assert settings.controller_listeners() == (Listener("CONTROLLER", "127.0.0.1", 0, "PLAINTEXT"),)
    assert settings.controller_quorum_voters == (Voter(1, "localhost", 0),)
    assert settings.originals["process.roles"] == "broker,controller"
    assert settings.originals["broker.id"] == "1"


def test_standing_alone_keeps_what_is_given() -> None:
    settings = BrokerSettings.parse(
        {"node.id": "0", "listeners": "IN://:0", "listener.security.protocol.map": "IN:PLAINTEXT"}
        | {"inter.broker.listener.name": "IN"}
    )
    assert settings.node_id == 0
    assert [listener.name for listener in settings.listeners] == ["IN", "CONTROLLER"]
    assert settings.controller_quorum_voters == (Voter(0, "localhost", 0),)


@pytest.mark.parametrize("values", [COMBINED, BROKER, CONTROLLER])
def test_each_role(values: dict[str, str]) -> None:
    settings = BrokerSettings.parse(values)
    assert ",".join(sorted(settings.process_roles)) == values["process.roles"]


def test_every_default_is_valid() -> None:
    for declared in [*BrokerSettings.declarations.values(), *accepted_settings().values()]:
        if declared.default_text is not None:
            assert declared.parse(declared.default_text) == declared.default, declared.key


def test_hostile_values_are_values() -> None:
    for declared in BrokerSettings.declarations.values():
        for value in declared.hostile or ():
            text = declared.text(value)
            assert text is not None
            assert declared.parse(text) == value, declared.key


def test_times_are_filled_from_coarser_units() -> None:
    settings = BrokerSettings.parse(
        {"log.retention.hours": "1", "log.roll.hours": "2", "log.roll.jitter.hours": "3"}
    )
    assert settings.log_retention_ms == 3_600_000
    assert settings.log_roll_ms == 7_200_000
    assert settings.log_roll_jitter_ms == 10_800_000
    minutes = {"log.retention.minutes": "30", "log.retention.hours": "1"}
    assert BrokerSettings.parse(minutes).log_retention_ms == 1_800_000
    assert BrokerSettings.parse(minutes | {"log.retention.ms": "5"}).log_retention_ms == 5
    assert BrokerSettings.parse({"log.retention.hours": "-5"}).log_retention_ms == -1
    assert BrokerSettings.parse({"log.flush.scheduler.interval.ms": "7"}).log_flush_interval_ms == 7


def test_directories() -> None:
    assert BrokerSettings.parse({}).log_dirs == ("/tmp/kafka-logs",)
    assert BrokerSettings.parse({"log.dir": "/a"}).log_dirs == ("/a",)
    assert BrokerSettings.parse({"log.dir": "/a", "log.dirs": "/b, /c,/b"}).log_dirs == ("/b", "/c")


@pytest.mark.parametrize(
    ("listeners", "expected"),
    [
        ("PLAINTEXT://:9092", ("", 9092)),
        ("PLAINTEXT://0.0.0.0:0", ("0.0.0.0", 0)),
        ("PLAINTEXT://[::1]:9092", ("::1", 9092)),
        ("PLAINTEXT://my_host-1.example:1", ("my_host-1.example", 1)),
        ("plaintext://:1", ("", 1)),
    ],
)
def test_listener_forms(listeners: str, expected: tuple[str, int]) -> None:
    (listener,) = BrokerSettings.parse({"listeners": listeners}).broker_listeners()
    assert (listener.name, listener.host, listener.port) == ("PLAINTEXT", *expected)


@pytest.mark.parametrize(
    "listeners",
    [
        "PLAINTEXT:9092",
        "PLAINTEXT://:",
        "PLAINTEXT://h x:9092",
        "PLAINTEXT://:70000",
        "PLAINTEXT://:-1",
        "",
        "PLAINTEXT://:1,,SSL://:2",
        "://:9092",
    ],
)
def test_what_is_no_listener(listeners: str) -> None:
    error = refusal({**COMBINED, "listeners": listeners})
    assert error.key == "listeners"


def test_two_listeners_need_names_and_ports_of_their_own() -> None:
    protocols = {"listener.security.protocol.map": "A:PLAINTEXT,B:PLAINTEXT"}
    both = {**protocols, "inter.broker.listener.name": "A"}
    assert "different name" in str(refusal({**both, "listeners": "A://:1,A://:2"}))
    assert "different port" in str(refusal({**both, "listeners": "A://:1,B://:1"}))
    assert "different port" in str(refusal({**both, "listeners": "A://1.1.1.1:1,B://2.2.2.2:1"}))
    BrokerSettings.parse({**both, "listeners": "A://:0,B://:0"})
    BrokerSettings.parse({**both, "listeners": "A://127.0.0.1:1,B://[::1]:1"})


def test_listener_names_need_a_protocol() -> None:
    error = refusal({**COMBINED, "listeners": "IN://:9092,CONTROLLER://:9093"})
    assert "No security protocol defined for listener IN" in str(error)
    # A map that is given must name the controller listener too, and so must TLS listeners.
    mapped = {**COMBINED, "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"}
    assert "CONTROLLER" in str(refusal(mapped))
    tls = {**COMBINED, "listeners": "SSL://:9092,CONTROLLER://:9093"}
    assert "CONTROLLER" in str(refusal({**tls, "security.inter.broker.protocol": "SSL"}))
    for text in ("x", "PLAINTEXT:FOO"):
        assert refusal({**COMBINED, "listener.security.protocol.map": text})
    lower = "plaintext:plaintext, controller:plaintext"
    BrokerSettings.parse({**COMBINED, "listener.security.protocol.map": lower})


def test_advertised_addresses() -> None:
    # No host, or all of them: whatever address the client came by.
    assert BrokerSettings.parse(COMBINED).advertised("PLAINTEXT") == Listener(
        "PLAINTEXT", "", 9092, "PLAINTEXT"
    )
    everywhere = {**COMBINED, "listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093"}
    named = BrokerSettings.parse(everywhere).advertised("PLAINTEXT")
    assert named is not None
    assert named.host == ""
    here = {**COMBINED, "listeners": "PLAINTEXT://127.0.0.1:0,CONTROLLER://:9093"}
    own = BrokerSettings.parse(here).advertised("PLAINTEXT")
    assert own == Listener("PLAINTEXT", "127.0.0.1", 0, "PLAINTEXT")
    assert BrokerSettings.parse(COMBINED).advertised("CONTROLLER") is None
    assert BrokerSettings.parse(COMBINED).advertised_listeners == ()


@pytest.mark.parametrize(
    ("values", "key", "words"),
    [
        (without(COMBINED, "node.id"), "node.id", "Missing required"),
        (without(COMBINED, "controller.listener.names"), "controller.listener.names", "Missing"),
        (without(COMBINED, "controller.quorum.voters"), "controller.quorum.voters", "bootstrap"),
        ({**COMBINED, "broker.id": "3"}, "broker.id", "same as node.id"),
        ({**COMBINED, "node.id": "-1"}, "node.id", "at least 0"),
        ({**COMBINED, "cordoned.log.dirs": "*,/x"}, "cordoned.log.dirs", "directories of log.dirs"),
        ({**COMBINED, "node.id": "x"}, "node.id", "Not a number"),
        ({**COMBINED, "process.roles": "foo"}, "process.roles", "one of: broker, controller"),
        ({**COMBINED, "process.roles": ""}, "process.roles", "must not be empty"),
        ({**COMBINED, "controller.quorum.voters": "2@a:1"}, "controller.quorum.voters", "include"),
        ({**COMBINED, "controller.quorum.voters": "1@a"}, "controller.quorum.voters", "{id}@"),
        ({**COMBINED, "controller.quorum.voters": "x@a:1"}, "controller.quorum.voters", "{id}@"),
        ({**BROKER, "node.id": "1"}, "controller.quorum.voters", "must not include"),
        (
            {**COMBINED, "listeners": "PLAINTEXT://:9092"},
            "controller.listener.names",
            "listeners that 'listeners' has",
        ),
        (
            {**BROKER, "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093"},
            "controller.listener.names",
            "broker only",
        ),
        (
            {**BROKER, "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"},
            "controller.listener.names",
            "listener.security.protocol.map",
        ),
        (
            {**CONTROLLER, "listeners": "PLAINTEXT://:1,CONTROLLER://:2"},
            "listeners",
            "only contain controller listeners",
        ),
        (
            {**COMBINED, "advertised.listeners": "CONTROLLER://a:1"},
            "advertised.listeners",
            "at least one",
        ),
        (
            {**COMBINED, "advertised.listeners": "PLAINTEXT://a:1,SSL://a:2"},
            "advertised.listeners",
            "among listeners",
        ),
        (
            {**COMBINED, "advertised.listeners": "PLAINTEXT://0.0.0.0:1"},
            "advertised.listeners",
            "0.0.0.0",
        ),
        ({**COMBINED, "advertised.listeners": ""}, "advertised.listeners", "must not be empty"),
        (
            {**COMBINED, "inter.broker.listener.name": "CONTROLLER"},
            "inter.broker.listener.name",
            "one of the advertised",
        ),
        (
            {**COMBINED, "inter.broker.listener.name": "FOO"},
            "inter.broker.listener.name",
            "listener.security.protocol.map",
        ),
        (
            {
                **COMBINED,
                "inter.broker.listener.name": "PLAINTEXT",
                "security.inter.broker.protocol": "PLAINTEXT",
            },
            "inter.broker.listener.name",
            "together",
        ),
        (
            {**COMBINED, "security.inter.broker.protocol": "SSL"},
            "inter.broker.listener.name",
            "one of the advertised",
        ),
        ({**COMBINED, "log.retention.ms": "0"}, "log.retention.ms", "-1"),
        ({**COMBINED, "log.roll.ms": "0"}, "log.roll.ms", "at least 1"),
        ({**COMBINED, "log.roll.jitter.ms": "-1"}, "log.roll.jitter.ms", "at least 0"),
        ({**COMBINED, "log.cleaner.threads": "0"}, "log.cleaner.dedupe.buffer.size", "1 MiB"),
        ({**COMBINED, "replica.lag.time.max.ms": "9"}, "replica.lag.time.max.ms", "wait.max.ms"),
        ({**COMBINED, "queued.max.request.bytes": "5"}, "queued.max.request.bytes", "socket"),
        ({**COMBINED, "max.connections.per.ip": "0"}, "max.connections.per.ip", "overrides"),
        ({**COMBINED, "log.dirs": "/a,,/b"}, "log.dirs", "must not be empty"),
        ({**COMBINED, "compression.gzip.level": "0"}, "compression.gzip.level", "1 and 9"),
        ({**COMBINED, "num.io.threads": "0"}, "num.io.threads", "at least 1"),
        ({**COMBINED, "ssl.client.auth": "foo"}, "ssl.client.auth", "required, requested, none"),
        (
            {**COMBINED, "group.consumer.migration.policy": "foo"},
            "group.consumer.migration.policy",
            "case insensitive",
        ),
    ],
)
def test_what_kafka_refuses(values: dict[str, str], key: str, words: str) -> None:
    error = refusal(values)
    assert error.key == key
    assert words in str(error)
    assert key in str(error)


def test_controllers_need_no_broker_listener() -> None:
    told = {**CONTROLLER, "advertised.listeners": "CONTROLLER://a:9093"}
    assert BrokerSettings.parse(told).broker_listeners() == ()


def test_dynamic_configs_change_the_settings_in_effect() -> None:
    settings = BrokerSettings.parse({"log.retention.hours": "1", "log.segment.bytes": "2000000"})
    changed = settings.with_dynamic({"log.retention.ms": "70"}, {"log.segment.bytes": "3000000"})
    assert (changed.log_retention_ms, changed.log_segment_bytes) == (70, 3_000_000)
    assert (settings.log_retention_ms, settings.log_segment_bytes) == (3_600_000, 2_000_000)


def test_accepted_keys_have_values_too() -> None:
    settings = BrokerSettings.parse({"num.io.threads": "+4"})
    assert settings.value("num.io.threads") == 4
    assert settings.value("num.network.threads") == 3
    assert settings.value("num.partitions") == 1


def test_unknown_keys_are_told_with_what_may_have_been_meant() -> None:
    values = {
        "log.retenton.ms": "1",
        "zookeeper.connect": "x",
        "listener.name.external.ssl.keystore.location": "/x",
        "listener.name.external.scram-sha-256.sasl.jaas.config": "x",
        "rsm.config.bucket": "x",
        "super.users": "User:a",
        "num.partitions": "3",
    }
    assert unknown_keys(values) == [
        ("log.retenton.ms", "log.retention.ms"),
        ("zookeeper.connect", None),
    ]
    assert BrokerSettings.parse(values).num_partitions == 3
