"""Where a node listens, what it tells others about it, and what a connection may cost.

`listeners` names the sockets, `listener.security.protocol.map` says how each of them speaks, and
`advertised.listeners` what clients are told (KIP-103). Listener names are upper case throughout.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from minikafka.settings.declare import Declared, SettingError, filled, optional, setting
from minikafka.settings.kinds import (
    BOOLEAN,
    INT,
    INT_MAX,
    LIST,
    LIST_TYPE,
    LONG,
    STRING,
    Kind,
    parse_list,
)

SECURITY_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
DEFAULT_PROTOCOL_MAP: Final = (
    "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"
)
#: ours, where Kafka sets no bound: all requests in memory together
QUEUED_REQUEST_BYTES: Final = 256 * 1024 * 1024

_HOST_LETTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-%._:"
)


class Listener(NamedTuple):
    """One endpoint: `host` is "" when the file names none (all interfaces)."""

    name: str
    host: str
    port: int
    security_protocol: str

    @property
    def address(self) -> str:
        """`NAME://host:port` as in the file, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}://{host}:{self.port}"


def parse_host_and_port(text: str) -> tuple[str, int] | None:
    """`host:port`, `:port` or `[v6]:port`; None when it is none of them."""
    host, colon, port = text.rpartition(":")
    digits = port.removeprefix("-")
    if not colon or not (digits.isascii() and digits.isdecimal()):
        return None
    bare = host.removeprefix("[").removesuffix("]")
    if not set(bare) <= _HOST_LETTERS:
        return None
    return bare, int(port)


def parse_listeners(text: str) -> tuple[Listener, ...]:
    """`NAME://host:port,…`. The protocol is still "" for names that need the protocol map."""
    listeners = []
    for word in parse_list(text):
        name, slashes, rest = word.partition("://")
        endpoint = parse_host_and_port(rest) if slashes else None
        if endpoint is None or not 0 <= endpoint[1] <= 65535:
            raise ValueError(f"Unable to parse {word} to a broker endpoint")
        name = name.upper()
        protocol = name if name in SECURITY_PROTOCOLS else ""
        listeners.append(Listener(name, *endpoint, protocol))
    return tuple(listeners)


def listeners_text(listeners: tuple[Listener, ...]) -> str:
    """The comma-joined form of a file."""
    return ",".join(listener.address for listener in listeners)


LISTENERS: Final = Kind[tuple[Listener, ...]]("list", LIST_TYPE, parse_listeners, listeners_text)


def parse_protocol_map(text: str) -> dict[str, str]:
    """`NAME:PROTOCOL,…` → name → protocol."""
    protocols = {}
    for word in parse_list(text):
        name, colon, protocol = word.rpartition(":")
        if not colon or protocol.strip().upper() not in SECURITY_PROTOCOLS:
            raise SettingError(
                "listener.security.protocol.map",
                text,
                f"NAME:PROTOCOL pairs, PROTOCOL one of {', '.join(SECURITY_PROTOCOLS)}",
            )
        protocols[name.strip().upper()] = protocol.strip().upper()
    return protocols


def parse_overrides(text: str) -> Mapping[str, int]:
    """`host:count,…` as host → count."""
    overrides = {}
    for word in parse_list(text):
        host, _, count = word.rpartition(":")
        if not host or not count.isdecimal():
            raise ValueError(f"Each entry should be in the form `host:count`, not {word}")
        overrides[host] = int(count)
    return overrides


OVERRIDES: Final = Kind[Mapping[str, int]](
    "string",
    STRING.config_type,
    parse_overrides,
    lambda overrides: ",".join(f"{host}:{count}" for host, count in overrides.items()),
)


class ListenerSettings(Declared):
    """Listeners, connections and the memory that requests may take."""

    listeners = setting(
        "listeners",
        (Listener("PLAINTEXT", "", 9092, "PLAINTEXT"),),
        kind=LISTENERS,
        allow_empty=False,
        dynamic="per-broker",
        doc="The sockets to listen on, NAME://host:port each. No host or 0.0.0.0 means all "
        "interfaces, port 0 a free one. A name that is no security protocol needs an entry in "
        "listener.security.protocol.map.",
    )
    advertised_listeners = filled(
        "advertised.listeners",
        kind=LISTENERS,
        allow_empty=False,
        doc="The addresses that clients and other nodes are told to connect to. When unset, a "
        "listener without a host is advertised to each client as the address by which that client "
        "came; one with a host as that host.",
    )
    listener_security_protocol_map = setting(
        "listener.security.protocol.map",
        DEFAULT_PROTOCOL_MAP,
        kind=STRING,
        dynamic="per-broker",
        doc="NAME:PROTOCOL pairs: which security protocol a listener speaks. Controller listeners "
        "that are not mapped are plaintext as long as no other protocol is in use.",
    )
    inter_broker_listener_name = filled(
        "inter.broker.listener.name",
        kind=STRING,
        doc="The listener over which brokers replicate from each other. Unset: the listener named "
        "like security.inter.broker.protocol. Only one of the two may be set.",
    )
    security_inter_broker_protocol = setting(
        "security.inter.broker.protocol",
        "PLAINTEXT",
        kind=STRING,
        one_of=SECURITY_PROTOCOLS,
        acted_upon=False,
        doc="The security protocol between brokers, where inter.broker.listener.name is unset.",
    )
    controller_listener_names = filled(
        "controller.listener.names",
        kind=LIST,
        allow_empty=False,
        doc="The listeners of the controllers. A broker connects to the first of them; a node with "
        "the controller role listens on all of them.",
    )
    socket_request_max_bytes = setting(
        "socket.request.max.bytes",
        104857600,
        kind=INT,
        at_least=1,
        hostile=(1024, 65536, 104857600),
        doc="The largest request; a connection that announces a larger one is closed.",
    )
    queued_max_request_bytes = setting(
        "queued.max.request.bytes",
        QUEUED_REQUEST_BYTES,
        kind=LONG,
        hostile=(104857600, QUEUED_REQUEST_BYTES),
        doc="Bytes of all received and not yet answered requests together; beyond it connections "
        "are not read any further. -1: no bound, which is Kafka's default where ours is 256 MiB.",
    )
    queued_max_requests = setting(
        "queued.max.requests",
        500,
        kind=INT,
        at_least=1,
        acted_upon=False,
        doc="Kafka's bound on requests waiting for a handler thread. There are no such threads.",
    )
    connections_max_idle_ms = setting(
        "connections.max.idle.ms",
        600000,
        kind=LONG,
        hostile=(1000, 10000, 600000),
        doc="A connection on which no whole request came for this long is closed. -1: never.",
    )
    max_connections = setting(
        "max.connections",
        INT_MAX,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        doc="Connections that this broker accepts at a time.",
    )
    max_connections_per_ip = setting(
        "max.connections.per.ip",
        INT_MAX,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        doc="Connections that this broker accepts from one address at a time.",
    )
    max_connections_per_ip_overrides = setting(
        "max.connections.per.ip.overrides",
        MappingProxyType({}),
        kind=OVERRIDES,
        dynamic="cluster-wide",
        doc="Exceptions to max.connections.per.ip: host:count,host:count.",
    )
    max_connection_creation_rate = setting(
        "max.connection.creation.rate",
        INT_MAX,
        kind=INT,
        at_least=0,
        dynamic="cluster-wide",
        acted_upon=False,
        doc="New connections per second that this broker accepts.",
    )
    socket_listen_backlog_size = setting(
        "socket.listen.backlog.size",
        50,
        kind=INT,
        at_least=1,
        doc="Connections that the kernel queues until they are accepted.",
    )
    socket_send_buffer_bytes = setting(
        "socket.send.buffer.bytes",
        102400,
        kind=INT,
        doc="SO_SNDBUF of accepted connections. -1: the system's default.",
    )
    socket_receive_buffer_bytes = setting(
        "socket.receive.buffer.bytes",
        102400,
        kind=INT,
        doc="SO_RCVBUF of accepted connections; the system's default where it is not given, or -1.",
    )
    connection_failed_authentication_delay_ms = setting(
        "connection.failed.authentication.delay.ms",
        100,
        kind=INT,
        at_least=0,
        acted_upon=False,
        doc="How long a failed authentication waits for its answer; at most the idle time.",
    )
    connections_max_reauth_ms = setting(
        "connections.max.reauth.ms",
        0,
        kind=LONG,
        acted_upon=False,
        doc="After this long a SASL client must authenticate again (KIP-368). 0: never.",
    )
    early_start_listeners = optional(
        "early.start.listeners",
        kind=LIST,
        acted_upon=False,
        doc="Listeners that open before the authorizer is ready.",
    )
    minikafka_send_path = setting(
        "minikafka.send.path",
        "auto",
        kind=STRING,
        one_of=("auto", "write", "sendfile", "pipe"),
        internal=True,
        hostile=("auto", "write"),
        doc="How fetched data leaves: write reads the file and writes the socket, sendfile leaves "
        "the copying to the kernel, pipe does so for answers of up to 128 KiB, auto chooses by "
        "size.",
    )
    minikafka_uvloop_enable = setting(
        "minikafka.uvloop.enable",
        True,
        kind=BOOLEAN,
        internal=True,
        doc="Run on uvloop where it is installed; else, or when false, on asyncio's own loop.",
    )
