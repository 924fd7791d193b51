"""`-X key=value`: settings of Kafka's clients, by Kafka's names, as the SDK's arguments.

librdkafka's names are taken where they differ from Java's. A key that means nothing here is
refused rather than ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from minikafka.cli.exits import UsageError

Arguments = dict[str, Any]
_Parse = Callable[[str], Any]
_Table = Mapping[str, tuple[str, _Parse]]


def client_arguments(words: Iterable[str], table: _Table) -> Arguments:
    """The SDK's arguments for `key=value` words. UsageError for other keys and bad values."""
    found: Arguments = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"-X wants key=value, not {word!r}")
        if key not in table:
            close = get_close_matches(key, table, 1)
            hint = f"; {close[0]}, perhaps?" if close else ""
            raise UsageError(f"-X {key}: this tool has no such setting{hint}")
        name, parse = table[key]
        try:
            found[name] = parse(value)
        except ValueError as error:
            raise UsageError(f"-X {word}: {error}") from None
    return found


def _one_of(values: Mapping[str, Any]) -> _Parse:
    def parse(text: str) -> Any:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return values[text]

    return parse


def _list(text: str) -> tuple[str, ...]:
    return tuple(_ASSIGNORS.get(each.strip(), each.strip()) for each in text.split(","))


_BOOLEAN: Final = _one_of({"true": True, "false": False})
_ASSIGNORS: Final = {
    f"org.apache.kafka.clients.consumer.{cls}": name
    for cls, name in (
        ("RangeAssignor", "range"),
        ("RoundRobinAssignor", "roundrobin"),
        ("StickyAssignor", "sticky"),
        ("CooperativeStickyAssignor", "cooperative-sticky"),
    )
}
_CONNECTION: Final[_Table] = {
    "bootstrap.servers": ("bootstrap", str),
    "client.id": ("client_id", str),
    "request.timeout.ms": ("request_timeout_ms", float),
    "socket.connection.setup.timeout.ms": ("connect_timeout_ms", float),
    "retry.backoff.ms": ("retry_backoff_ms", float),
    "retry.backoff.max.ms": ("retry_backoff_max_ms", float),
    "reconnect.backoff.ms": ("reconnect_backoff_ms", float),
    "reconnect.backoff.max.ms": ("reconnect_backoff_max_ms", float),
    "metadata.max.age.ms": ("metadata_max_age_ms", float),
}
ADMIN: Final[_Table] = {
    **_CONNECTION,
    "default.api.timeout.ms": ("api_timeout_ms", float),
}
PRODUCER: Final[_Table] = {
    **_CONNECTION,
    "acks": ("acks", _one_of({"all": "all", "-1": "all", "0": 0, "1": 1})),
    "request.required.acks": ("acks", _one_of({"all": "all", "-1": "all", "0": 0, "1": 1})),
    "enable.idempotence": ("enable_idempotence", _BOOLEAN),
    "linger.ms": ("linger_ms", float),
    "batch.size": ("batch_bytes", int),
    "buffer.memory": ("buffer_bytes", int),
    "compression.type": ("compression", str),
    "compression.codec": ("compression", str),
    "max.in.flight.requests.per.connection": ("max_in_flight", int),
    "delivery.timeout.ms": ("delivery_timeout_ms", float),
    "max.block.ms": ("max_block_ms", float),
}
CONSUMER: Final[_Table] = {
    **ADMIN,
    "auto.offset.reset": (
        "reset",
        _one_of(
            {
                "earliest": "earliest",
                "smallest": "earliest",
                "latest": "latest",
                "largest": "latest",
                "none": "error",
                "error": "error",
            }
        ),
    ),
    "isolation.level": (
        "isolation_level",
        _one_of({level: level for level in ("read_uncommitted", "read_committed")}),
    ),
    "fetch.max.wait.ms": ("fetch_max_wait_ms", int),
    "fetch.wait.max.ms": ("fetch_max_wait_ms", int),
    "fetch.min.bytes": ("fetch_min_bytes", int),
    "fetch.max.bytes": ("fetch_max_bytes", int),
    "max.partition.fetch.bytes": ("partition_max_bytes", int),
    "check.crcs": ("check_crcs", _BOOLEAN),
    "group.id": ("group", str),
    "group.instance.id": ("group_instance_id", str),
    "partition.assignment.strategy": ("assignors", _list),
    "session.timeout.ms": ("session_timeout_ms", int),
    "max.poll.interval.ms": ("rebalance_timeout_ms", int),
    "heartbeat.interval.ms": ("heartbeat_interval_ms", int),
    "enable.auto.commit": ("auto_commit", _BOOLEAN),
    "auto.commit.interval.ms": ("auto_commit_ms", float),
}
