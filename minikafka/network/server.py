"""Listeners, and what all connections of a server share."""

import asyncio
import errno
import logging
from collections.abc import Callable
from typing import Final

from minikafka.network.connection import Connection
from minikafka.network.exchange import Exchange
from minikafka.network.limits import NetworkLimits
from minikafka.network.pipe_sender import PipeSender
from minikafka.network.request_memory import RequestMemory

logger = logging.getLogger(__name__)

Serve = Callable[[Exchange, memoryview], None]

_SWEEPS_PER_IDLE_TIME: Final = 20
_SWEEP_MS_MAX: Final = 30_000
_SHORTAGE_SWEEP_MS: Final = 1_000
_SHORTAGE_IDLE_MS: Final = 10_000
_EXPRESS_BYTES_PER_MS: Final = 256
_SAME_PORT_TRIES: Final = 10


class Server:
    """Accepts connections and hands each request to `serve(exchange, frame)`.

    `serve` is called on the loop's thread with a writable memoryview of the frame (without its size
    prefix) that is valid only during the call: copy what outlives it. It answers through the
    exchange, then or later. `ProtocolError` out of it closes the connection with a line in the log,
    any other exception with a traceback; neither goes further.

    **Idle connections.** One timer per server looks at all connections; one that neither receives
    nor takes bytes for `idle_ms` (up to a tenth more) is closed, half a request or not. A request
    in progress, such as a parked fetch, is not idle. While somebody waits for request memory, a
    half-received request has 10 s of silence, and the one in the express lane 10 s and its size
    at 256 KB/s in all.
    """

    def __init__(self, limits: NetworkLimits, serve: Serve) -> None:
        """Made inside the running loop that will serve."""
        self.limits = limits
        self.serve = serve
        self.loop = asyncio.get_running_loop()
        self.memory = RequestMemory(limits.queued_max_bytes, limits.request_max_bytes)
        self.pipe = PipeSender()
        self.connections: dict[Connection, None] = {}
        self.connections_by_ip: dict[str, int] = {}
        self.accepted_count = 0
        self.refused_count = 0
        self.idle_closed_count = 0
        self._listeners: list[asyncio.Server] = []
        self._draining = False
        self._empty: asyncio.Future[None] | None = None
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._sweeps_for_shortage = False
        self._express: tuple[object, float] | None = None

    # --- listening

    async def listen(self, name: str, host: str, port: int, *, accept: bool = True) -> int:
        """Listen as `name`; returns the port, chosen by the system when `port` is 0.

        `host` "" is every interface, IPv4 and IPv6, on one port. Without `accept` the port is only
        taken, and clients are refused until `accept()`. Raises OSError.
        """
        try:
            listener = await self._bind(name, host, port, accept)
        except OSError as error:
            if host or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
            listener = await self._bind(name, "0.0.0.0", port, accept)  # no IPv6 here
        self._listeners.append(listener)
        if self._sweep_timer is None:
            self._schedule_sweep()
        return _ports(listener)[0]

    async def accept(self) -> None:
        """Let clients in on the ports that `listen` has only taken."""
        for listener in self._listeners:
            await listener.start_serving()

    async def _bind(self, name: str, host: str, port: int, accept: bool) -> asyncio.Server:
        """With port 0 a loop chooses a port for each address family: insist on one for all."""
        wanted = port
        for attempt in range(_SAME_PORT_TRIES):
            try:
                listener = await self.loop.create_server(
                    lambda: Connection(self, name),
                    host or None,
                    wanted,
                    backlog=self.limits.listen_backlog,
                    start_serving=accept,
                )
            except OSError as error:
                if wanted == port or error.errno != errno.EADDRINUSE:
                    raise
                wanted = port
                continue
            ports = _ports(listener)
            if len(set(ports)) == 1:
                return listener
            listener.close()
            wanted = ports[attempt % len(ports)]
        raise OSError(errno.EADDRINUSE, f"no port is free on all addresses of {host!r}")

    # --- connections

    def admit(self, connection: Connection) -> str | None:
        """Take the connection in, or the reason for not doing so."""
        ip = connection.peer[0]
        count = self.connections_by_ip.get(ip, 0)
        refusal = None
        if self._draining:
            refusal = "the broker shuts down"
        elif len(self.connections) >= self.limits.max_connections:
            refusal = f"max.connections is {self.limits.max_connections}"
        elif count >= self.limits.connections_allowed_from(ip):
            allowed = self.limits.connections_allowed_from(ip)
            refusal = f"max.connections.per.ip is {allowed} for {ip}"
        if refusal:
            self.refused_count += 1
            return refusal
        self.accepted_count += 1
        self.connections[connection] = None
        self.connections_by_ip[ip] = count + 1
        connection.quiet_since = self.loop.time()
        return None

    def forget(self, connection: Connection) -> None:
        """The connection is gone; one that was not admitted was never counted."""
        if connection not in self.connections:
            return
        del self.connections[connection]
        ip = connection.peer[0]
        self.connections_by_ip[ip] -= 1
        if not self.connections_by_ip[ip]:
            del self.connections_by_ip[ip]
        if self._empty is not None and not self.connections and not self._empty.done():
            self._empty.set_result(None)

    async def drain(self, timeout_s: float) -> None:
        """Stop accepting, let requests in progress be answered for `timeout_s`, close.

        No connection is left on return.
        """
        self._stop_listening()
        for connection in list(self.connections):
            connection.drain()
        try:
            async with asyncio.timeout(timeout_s):
                await self._until_empty()
        except TimeoutError:
            busy_count = sum(not connection.closed for connection in self.connections)
            if busy_count:
                logger.info("%d connections are still busy and closed now", busy_count)
        self.close()
        await self._until_empty()

    async def _until_empty(self) -> None:
        if self.connections:
            self._empty = self.loop.create_future()
            await self._empty

    def close(self) -> None:
        """Stop accepting and abort all connections."""
        self._stop_listening()
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        for connection in list(self.connections):
            connection.abort("the broker shuts down", logging.DEBUG)
        self.pipe.close()

    def _stop_listening(self) -> None:
        self._draining = True
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()

    # --- the sweep

    def memory_is_short(self) -> None:
        """Somebody has begun to wait for request memory: look more often."""
        if not self._sweeps_for_shortage and self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._schedule_sweep()

    def _schedule_sweep(self) -> None:
        period_ms = min(max(self.limits.idle_ms / _SWEEPS_PER_IDLE_TIME, 1), _SWEEP_MS_MAX)
        self._sweeps_for_shortage = self.memory.is_short
        if self._sweeps_for_shortage:
            period_ms = min(period_ms, _SHORTAGE_SWEEP_MS)
        self._sweep_timer = self.loop.call_later(period_ms / 1000, self._sweep)

    def _sweep(self) -> None:
        now = self.loop.time()
        idle_s = self.limits.idle_ms / 1000
        short_s = min(idle_s, _SHORTAGE_IDLE_MS / 1000)
        is_short = self.memory.is_short
        for connection in list(self.connections):
            if connection.active or (connection.busy and not connection.closed):
                connection.active = False
                connection.quiet_since = now
                continue
            quiet_s = now - connection.quiet_since
            if connection.closed:
                if quiet_s >= short_s:
                    connection.abort("its last answers were not taken", logging.DEBUG)
            elif quiet_s >= idle_s:
                self.idle_closed_count += 1
                connection.abort("idle", logging.DEBUG)
            elif is_short and connection.own_bytes and quiet_s >= short_s:
                self.idle_closed_count += 1
                connection.abort("half a request and silence, and others wait for its memory")
        if is_short:
            self._hurry_express(now)
        else:
            self._express = None
            self.memory.drop_spares()
        self._schedule_sweep()

    def _hurry_express(self, now: float) -> None:
        """Others wait behind the one in the express lane: it must not take for ever."""
        holder = self.memory.express
        if self._express is None or self._express[0] is not holder:
            self._express = (holder, now)
        elif isinstance(holder, Connection):
            allowed_ms = _SHORTAGE_IDLE_MS + holder.own_bytes / _EXPRESS_BYTES_PER_MS
            if now - self._express[1] >= allowed_ms / 1000:
                holder.abort("too slow a request, and others wait for its memory")


def _ports(listener: asyncio.Server) -> list[int]:
    return [sock.getsockname()[1] for sock in listener.sockets]
