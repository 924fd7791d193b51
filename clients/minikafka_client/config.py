"""What every client can be told; durations in ms, as Kafka's settings of the same names."""

from __future__ import annotations

from collections.abc import Iterable
from ssl import SSLContext
from typing import NamedTuple, TypedDict

from minikafka_client.errors import ConfigError


class ConnectionOptions(TypedDict, total=False):
    """Keyword arguments of every client; the defaults are those of `ClientConfig`."""

    client_id: str
    request_timeout_ms: float
    connect_timeout_ms: float
    close_timeout_ms: float
    retry_backoff_ms: float
    retry_backoff_max_ms: float
    reconnect_backoff_ms: float
    reconnect_backoff_max_ms: float
    metadata_max_age_ms: float
    ssl: SSLContext | None


class CallOptions(ConnectionOptions, total=False):
    """Those of consumer and admin, whose calls have a timeout in common."""

    api_timeout_ms: float


class ClientConfig(NamedTuple):
    """The part of the options that producer, consumer and admin have in common."""

    bootstrap: tuple[tuple[str, int], ...]
    client_id: str = "minikafka-client"
    request_timeout_ms: float = 30_000
    """How long one request may go unanswered before its connection is given up."""
    api_timeout_ms: float = 60_000
    """How long a call that may try several times takes at most (default.api.timeout.ms)."""
    connect_timeout_ms: float = 10_000
    """How long a connection may take to come about, and so the client to start."""
    close_timeout_ms: float = 5_000
    """How long `close` takes at most to finish what is open."""
    retry_backoff_ms: float = 100
    retry_backoff_max_ms: float = 1_000
    reconnect_backoff_ms: float = 50
    reconnect_backoff_max_ms: float = 1_000
    metadata_max_age_ms: float = 300_000
    allow_auto_create_topics: bool = True
    ssl: SSLContext | None = None

    @property
    def request_timeout_s(self) -> float:
        """`request_timeout_ms` in seconds."""
        return self.request_timeout_ms / 1000

    @property
    def api_timeout_s(self) -> float:
        """`api_timeout_ms` in seconds."""
        return self.api_timeout_ms / 1000

    @property
    def connect_timeout_s(self) -> float:
        """`connect_timeout_ms` in seconds, never more than a whole call may take."""
        return min(self.connect_timeout_ms, self.api_timeout_ms) / 1000


def parse_bootstrap(servers: str | Iterable[str]) -> tuple[tuple[str, int], ...]:
    """`host:port` texts, comma-separated or several, as (host, port). Raises ConfigError."""
    texts = servers.split(",") if isinstance(servers, str) else list(servers)
    found = []
    for text in texts:
        host, colon, port = text.strip().removeprefix("kafka://").rpartition(":")
        if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(f"bootstrap server {text!r} is not host:port")
        found.append((host.strip("[]"), int(port)))
    if not found:
        raise ConfigError("no bootstrap server")
    return tuple(found)


def at_least(name: str, value: float, least: float) -> None:
    """Raises ConfigError when a number is too small."""
    if value < least:
        raise ConfigError(f"{name} is {value:g}, at least {least:g} is needed")
