"""Links between machines, ports, and how a connection comes about.

A packet takes latency, jitter and size over bandwidth; each connection keeps its own order. A cut
link holds what is under way, as TCP sends it again until it gets through; one way or both. Cuts are
counted, so that faults that overlap do not heal each other.
"""

import asyncio
import errno
import math
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from minikafka.sim.process import Process
from minikafka.sim.sending import reset_error
from minikafka.sim.transport import SimTransport

if TYPE_CHECKING:
    from minikafka.sim.loop import SimLoop

Factory = Callable[[], asyncio.BaseProtocol]

CONTROL_BYTES: Final = 60
"""A packet without data."""
CONNECT_TIMEOUT_S: Final = 10.0
_FIRST_FREE_PORT: Final = 40_000
_OWN: Final = frozenset((None, "", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"))


class Link:
    """One direction between two machines. It holds everything while there are `cuts`."""

    __slots__ = (
        "_free_at",
        "_held",
        "_loop",
        "bandwidth",
        "cuts",
        "jitter_s",
        "latency_s",
        "name",
        "random",
    )

    def __init__(self, loop: "SimLoop", name: str) -> None:
        self.name = name
        self.random = loop.stream(f"link {name}").random
        self.latency_s = 0.0002
        self.jitter_s = 0.0003
        self.bandwidth = math.inf
        self.cuts = 0
        self._loop = loop
        self._free_at = 0.0
        self._held: list[tuple[int, Callable[[], None]]] = []

    def send(self, size: int, arrive: Callable[[], None]) -> None:
        """Call `arrive` when `size` bytes have got through."""
        if self.cuts:
            self._held.append((size, arrive))
            return
        self._free_at = max(self._free_at, self._loop.now) + size / self.bandwidth
        moment = self._free_at + self.latency_s + self.random() * self.jitter_s
        self._loop.at(moment, self._arrived, size, arrive)

    def _arrived(self, size: int, arrive: Callable[[], None]) -> None:
        if not self.cuts:
            arrive()
        else:
            self._held.append((size, arrive))

    def tell(self, arrive: Callable[[], None]) -> None:
        """An acknowledgement of TCP's: no time of its own, but not over a cut link."""
        if not self.cuts:
            arrive()
        else:
            self._held.append((0, arrive))

    def heal(self) -> None:
        """Take one cut back; with the last of them let through again, what was held first."""
        self.cuts = max(0, self.cuts - 1)
        if self.cuts:
            return
        held, self._held = self._held, []
        for size, arrive in held:
            self.send(size, arrive)


class Port:
    """What `server.sockets` has: an address."""

    __slots__ = ("_address",)

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def getsockname(self) -> tuple[str, int]:
        """(machine, port)"""
        return self._address


class SimServer(asyncio.AbstractServer):
    """A port of a process; connections are refused while it is not `serving`."""

    def __init__(
        self, network: "Network", process: Process, factory: Factory, address: tuple[str, int]
    ) -> None:
        self.process = process
        self.factory = factory
        self.address = address
        self.serving = False
        self.sockets = (Port(address),)
        self._network = network

    def get_loop(self) -> "SimLoop":
        """The loop."""
        return self.process.loop

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self.serving

    async def start_serving(self) -> None:
        """Accept connections."""
        self.serving = True

    async def serve_forever(self) -> None:
        """Accept connections until cancelled."""
        self.serving = True
        await self.get_loop().create_future()

    def close(self) -> None:
        """Give the port back; connections stay."""
        self.serving = False
        if self._network.servers.get(self.address) is self:
            del self._network.servers[self.address]

    async def wait_closed(self) -> None:
        """Nothing: closing takes no time."""


class Network:
    """All links and ports; see the module."""

    __slots__ = ("_connections", "_links", "_loop", "_next_port", "servers")

    def __init__(self, loop: "SimLoop") -> None:
        self._loop = loop
        self._links: dict[tuple[str, str], Link] = {}
        self._next_port = _FIRST_FREE_PORT
        self._connections = 0
        self.servers: dict[tuple[str, int], SimServer] = {}

    def link(self, source: str, target: str) -> Link:
        """The link from one machine to another, made when first asked for."""
        if (source, target) not in self._links:
            self._links[source, target] = Link(self._loop, f"{source}>{target}")
        return self._links[source, target]

    # -- faults -----------------------------------------------------------------------------------

    def cut(self, source: str, target: str, *, both: bool = True, lose: bool = False) -> None:
        """Hold what is sent from one to the other, or both ways; `lose` resets connections, too."""
        self._loop.note("cut", source, target, both, lose)
        self.link(source, target).cuts += 1
        if both:
            self.link(target, source).cuts += 1
        if lose:
            self.reset(source, target)

    def heal(self, source: str, target: str, *, both: bool = True) -> None:
        """Take back a cut of the same ends."""
        self._loop.note("heal", source, target, both)
        self.link(source, target).heal()
        if both:
            self.link(target, source).heal()

    def reset(self, one: str, other: str) -> None:
        """Break all connections between two machines; both sides learn it."""
        self._loop.note("reset", one, other)
        for machine in self._loop.machines.values():
            process = machine.process
            for transport in list(process.transports) if process is not None else ():
                if {machine.name, transport.peer_machine} == {one, other}:
                    transport.lose(reset_error())

    def forget(self, process: Process, *, reset: bool) -> None:
        """A process has died, with its ports and connections."""
        for server in [s for s in self.servers.values() if s.process is process]:
            server.close()
        for transport in list(process.transports):
            transport.die(reset=reset)

    # -- listening and connecting -----------------------------------------------------------------

    def listen(self, process: Process, factory: Factory, host: str | None, port: int) -> SimServer:
        """Take a port. Raises OSError(EADDRINUSE)."""
        machine = process.machine.name
        if host not in _OWN and host != machine:
            raise OSError(errno.EADDRNOTAVAIL, f"{host} is not an address of {machine}")
        address = (machine, port or self._free_port())
        if address in self.servers:
            raise OSError(errno.EADDRINUSE, f"{address} is taken")
        server = self.servers[address] = SimServer(self, process, factory, address)
        return server

    def connect(
        self,
        process: Process,
        factory: Factory,
        host: str,
        port: int,
        future: asyncio.Future[Any],
    ) -> None:
        """Complete `future` with (transport, protocol), a refusal, or a timeout."""
        source = process.machine.name
        target = source if host in _OWN else host
        out, back = self.link(source, target), self.link(target, source)

        def fail(error: OSError) -> None:
            if not process.dead and not future.done():
                future.set_exception(error)

        def knock() -> None:
            machine = self._loop.machines.get(target)
            if machine is not None and not machine.powered:
                return  # silence, until the timeout
            server = self.servers.get((target, port))
            if server is None or not server.serving:
                refusal = ConnectionRefusedError(errno.ECONNREFUSED, f"{host}:{port} refuses")
                back.send(CONTROL_BYTES, lambda: fail(refusal))
                return
            near, far = self._pair(process, server, out, back, (host, port))
            # The kernel accepts, even for a process that stands still.
            self._loop.post(server.process, far.begin, server.factory, None)
            back.send(CONTROL_BYTES, lambda: self._loop.post(process, near.begin, factory, future))

        out.send(CONTROL_BYTES, knock)
        timeout = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        self._loop.at(self._loop.now + CONNECT_TIMEOUT_S, fail, timeout)

    def _pair(
        self, process: Process, server: SimServer, out: Link, back: Link, asked: tuple[str, int]
    ) -> tuple[SimTransport, SimTransport]:
        self._connections += 1
        number = self._connections
        source, target = process.machine.name, server.process.machine.name
        own = (process.machine.address, self._free_port())
        near = SimTransport(process, number, target, out, own, asked)
        far = SimTransport(server.process, -number, source, back, server.address, own)
        near.peer, far.peer = far, near
        return near, far

    def _free_port(self) -> int:
        self._next_port += 1
        return self._next_port
