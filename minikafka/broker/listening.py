"""The listeners of one kind, for clients or for controllers, and what others are told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from minikafka.broker.storage import reachable_host
from minikafka.network.limits import OS_DEFAULT, NetworkLimits, SendPath
from minikafka.network.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.network.server import Serve
    from minikafka.settings.broker import BrokerSettings
    from minikafka.settings.listeners import Listener

Address = tuple[str, str, int]
"""(listener name, host, port)"""

Endpoint = tuple[str, str, int, str]
"""(listener name, host, port, security protocol)"""

DEFAULT_QUEUED_MAX_BYTES = 256 << 20
"""Where `queued.max.request.bytes` is unset; Kafka has no bound then."""


class ListenError(Exception):
    """A port cannot be taken; the text names the listener."""


class Listeners:
    """A server and the ports it has taken. `addresses` are what they are bound to."""

    def __init__(self, settings: BrokerSettings, serve: Serve) -> None:
        self._settings = settings
        self._server = Server(network_limits(settings), serve)
        self.addresses: list[Address] = []

    async def take_ports(self, listeners: Iterable[Listener]) -> None:
        """Listen without letting anybody in. Raises ListenError."""
        for listener in listeners:
            try:
                port = await self._server.listen(
                    listener.name, listener.host, listener.port, accept=False
                )
            except OSError as error:
                raise ListenError(f"cannot listen on {listener.address}: {error}") from error
            self.addresses.append((listener.name, listener.host, port))

    async def accept(self) -> None:
        """Let connections in."""
        await self._server.accept()

    def follow(self, settings: BrokerSettings) -> None:
        """Settings that may change while the broker runs."""
        self._server.limits = network_limits(settings)

    async def drain(self, timeout_s: float) -> None:
        """No more connections and requests; those in progress are answered."""
        await self._server.drain(timeout_s)

    def close(self) -> None:
        """Let go of ports and connections now."""
        self._server.close()

    def advertised(self) -> list[Endpoint]:
        """What a broker's registration names."""
        endpoints = []
        for name, _, bound_port in self.addresses:
            told = self._settings.advertised(name)
            if told is not None:
                host, port = reachable_host(told.host), told.port or bound_port
                endpoints.append((name, host, port, told.security_protocol))
        return endpoints

    def of_controller(self) -> list[Endpoint]:
        """What a controller's registration names: as advertised, else as bound."""
        settings = self._settings
        protocols = {found.name: found.security_protocol for found in settings.listeners}
        told = {found.name: found for found in settings.advertised_listeners}
        endpoints = []
        for name, host, port in self.addresses:
            if name in told:
                host, port = told[name].host, told[name].port or port
            endpoints.append((name, reachable_host(host), port, protocols[name]))
        return endpoints


def network_limits(settings: BrokerSettings) -> NetworkLimits:
    """The settings of the network room."""
    queued = settings.queued_max_request_bytes
    return NetworkLimits(
        request_max_bytes=settings.socket_request_max_bytes,
        queued_max_bytes=queued if queued > 0 else DEFAULT_QUEUED_MAX_BYTES,
        idle_ms=settings.connections_max_idle_ms,
        send_path=cast("SendPath", settings.minikafka_send_path),
        max_connections=settings.max_connections,
        max_connections_per_ip=settings.max_connections_per_ip,
        max_connections_per_ip_overrides=settings.max_connections_per_ip_overrides,
        # Not the kernel's tuning, up to 4 MiB: 1 MiB fetches cost 0.34 CPU-s/GB, tuned 0.41.
        send_buffer_bytes=settings.socket_send_buffer_bytes,
        receive_buffer_bytes=_receive_buffer_bytes(settings),
        listen_backlog=settings.socket_listen_backlog_size,
    )


def _receive_buffer_bytes(settings: BrokerSettings) -> int:
    """What somebody chose, or the kernel's tuning, which a fixed size ends: produces of 1 MB cost
    0.52 CPU-s/GB with it, 0.68 with Kafka's 100 KiB."""
    key = "socket.receive.buffer.bytes"
    return settings.socket_receive_buffer_bytes if key in settings.originals else OS_DEFAULT
