"""Settings by Kafka's names, and the words for offsets."""

import pytest

from minikafka.cli.client_configs import ADMIN, CONSUMER, PRODUCER, client_arguments
from minikafka.cli.exits import UsageError
from minikafka.cli.offsets import Range, parse_range
from minikafka_client import Admin, Consumer, Producer


def test_settings_have_kafkas_names() -> None:
    words = ["acks=1", "linger.ms=5", "compression.codec=lz4", "enable.idempotence=false"]
    found = client_arguments(words, PRODUCER)
    assert found == {
        "acks": 1,
        "linger_ms": 5.0,
        "compression": "lz4",
        "enable_idempotence": False,
    }
    assert Producer("localhost:1", **found)


def test_every_setting_is_an_argument_of_the_client() -> None:
    ours = {"bootstrap", "max_block_ms", "reset", "auto_commit"}
    samples = {"check_crcs": True, "compression": "gzip", "assignors": ("range",), "acks": "all"}
    samples |= {"isolation_level": "read_committed", "enable_idempotence": True}
    samples |= {"group": "g", "group_instance_id": "i", "client_id": "c"}
    for table, make in ((ADMIN, Admin), (PRODUCER, Producer), (CONSUMER, Consumer)):
        names = {name for name, _ in table.values()} - ours
        assert make("localhost:1", **{name: samples.get(name, 5) for name in names})


@pytest.mark.parametrize("word", ["acks", "acks=2", "linger.ms=soon", "linger.sm=5"])
def test_what_is_no_setting_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        client_arguments([word], PRODUCER)


def test_java_class_names_of_assignors() -> None:
    words = ["partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor,sticky"]
    assert client_arguments(words, CONSUMER) == {"assignors": ("range", "sticky")}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], Range()),
        (["beginning"], Range("beginning")),
        (["latest"], Range("end")),
        (["stored"], Range("stored")),
        (["5"], Range(offset=5)),
        (["-3"], Range(offset=-3)),
        (["s@1000", "e@2000"], Range(from_ms=1000, until_ms=2000)),
        (["e@2000"], Range(until_ms=2000)),
    ],
)
def test_offsets(words: list[str], meant: Range) -> None:
    assert parse_range(words) == meant


@pytest.mark.parametrize("words", [["5", "6"], ["s@1", "end"], ["e@1", "e@2"], ["x"], ["s@x"]])
def test_what_is_no_offset_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_range(words)
