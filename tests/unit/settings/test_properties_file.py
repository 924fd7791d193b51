import pytest

from minikafka.settings.properties import (
    PropertiesError,
    load,
    parse_overrides,
    parse_properties,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1\nb=2", {"a": "1", "b": "2"}),
        ("a = 1\nb : 2\nc 3\nd\t=\t4", {"a": "1", "b": "2", "c": "3", "d": "4"}),
        ("a=\nb\n", {"a": "", "b": ""}),
        ("# no\n  ! no either\na=1 # part of it", {"a": "1 # part of it"}),
        ("a=1\\\n   2\\\n 3", {"a": "123"}),
        ("a=1\\\n# no comment", {"a": "1# no comment"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("# a\\\nb=1", {"b": "1"}),
        ("a\\=b\\:c\\ d=e", {"a=b:c d": "e"}),
        ("a==b=c", {"a": "=b=c"}),
        ("a : = b", {"a": "= b"}),
        ("a=\\t\\n\\x\\u00e9\\\\", {"a": "\t\nx\u00e9\\"}),
        ("a=\\uD83D\\uDE00", {"a": "\U0001f600"}),
        ("a=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1  \n", {"a": "1  "}),
        ("a=1\na=2", {"a": "2"}),
        ("\\\n\nx=1", {"x": "1"}),
        ("path=C:\\\\data", {"path": "C:\\data"}),
        ("", {}),
    ],
)
def test_grammar(text: str, expected: dict[str, str]) -> None:
    assert parse_properties(text) == expected


@pytest.mark.parametrize("text", ["a=\\u12", "a=\\u12g4", "\\u=1"])
def test_a_broken_unicode_escape(text: str) -> None:
    with pytest.raises(PropertiesError, match="hexadecimal"):
        parse_properties(text)


def test_overrides() -> None:
    assert parse_overrides(["a=b=c", " d = e", "f="]) == {"a": "b=c", "d": " e", "f": ""}
    for wrong in ("a", "=b"):
        with pytest.raises(PropertiesError, match="key=value"):
            parse_overrides([wrong])


def test_later_sources_win() -> None:
    loaded = load(
        "num.partitions=2\nlog.dirs=/file\nbroker.rack=file",
        ["broker.rack=override"],
        {"KAFKA_LOG_DIRS": "/environment", "KAFKA_BROKER_RACK": "environment"},
        {"num.partitions": "1", "node.id": "5"},
    )
    assert loaded.values == {
        "num.partitions": "2",
        "log.dirs": "/environment",
        "broker.rack": "override",
        "node.id": "5",
    }
    assert loaded.unknown == []


def test_unknown_keys_of_all_sources_are_told_once() -> None:
    loaded = load(
        "num.partition=2\nfoo.bar.baz=1",
        ["num.partition=3"],
        {"KAFKA_LOG_RETENTON_MS": "5", "KAFKA_HOME": "/opt", "HOME": "/root"},
    )
    assert loaded.unknown == [
        ("num.partition", "num.partitions"),
        ("foo.bar.baz", None),
        ("KAFKA_LOG_RETENTON_MS", "log.retention.ms"),
    ]
