"""What a server allows its peers: sizes, counts and times, one attribute per setting of Kafka."""

from collections.abc import Mapping
from typing import Literal

SendPath = Literal["auto", "write", "sendfile", "pipe"]

UNLIMITED = 2**31 - 1
OS_DEFAULT = -1


class NetworkLimits:
    """The limits of one `Server`. Read when needed, so that assigning an attribute takes effect.

    - `request_max_bytes`: `socket.request.max.bytes`; a larger frame closes the connection.
    - `queued_max_bytes`: `queued.max.request.bytes`; bound of all request buffers together
      (at least `request_max_bytes`; 256 MiB here where Kafka has no bound).
    - `idle_ms`: `connections.max.idle.ms`.
    - `send_path`: how regions of files are sent; "auto" chooses by the size of the answer, see
      `region_sender`. "sendfile" and "pipe" (for answers that fit one) are "write" where the
      transport or the file does not allow it.
    - `max_connections`, `max_connections_per_ip`, `max_connections_per_ip_overrides`: the Kafka
      settings of these names; a connection too many is closed as soon as it is accepted.
    - `send_buffer_bytes`, `receive_buffer_bytes`: `socket.{send,receive}.buffer.bytes`; 0 and -1
      leave the operating system's choice.
    - `listen_backlog`: `socket.listen.backlog.size`.
    - `produces_in_flight_max`: Produce requests of one connection that may wait for replication.
    """

    __slots__ = (
        "idle_ms",
        "listen_backlog",
        "max_connections",
        "max_connections_per_ip",
        "max_connections_per_ip_overrides",
        "produces_in_flight_max",
        "queued_max_bytes",
        "receive_buffer_bytes",
        "request_max_bytes",
        "send_buffer_bytes",
        "send_path",
    )

    def __init__(
        self,
        *,
        request_max_bytes: int = 100 << 20,
        queued_max_bytes: int = 256 << 20,
        idle_ms: int = 600_000,
        send_path: SendPath = "auto",
        max_connections: int = UNLIMITED,
        max_connections_per_ip: int = UNLIMITED,
        max_connections_per_ip_overrides: Mapping[str, int] | None = None,
        send_buffer_bytes: int = OS_DEFAULT,
        receive_buffer_bytes: int = OS_DEFAULT,
        listen_backlog: int = 1024,
        produces_in_flight_max: int = 64,
    ) -> None:
        self.request_max_bytes = request_max_bytes
        self.queued_max_bytes = queued_max_bytes
        self.idle_ms = idle_ms
        self.send_path: SendPath = send_path
        self.max_connections = max_connections
        self.max_connections_per_ip = max_connections_per_ip
        self.max_connections_per_ip_overrides = max_connections_per_ip_overrides or {}
        self.send_buffer_bytes = send_buffer_bytes
        self.receive_buffer_bytes = receive_buffer_bytes
        self.listen_backlog = listen_backlog
        self.produces_in_flight_max = produces_in_flight_max

    def connections_allowed_from(self, ip: str) -> int:
        """How many connections one address may hold."""
        return self.max_connections_per_ip_overrides.get(ip, self.max_connections_per_ip)
