"""What only a simulated loop can do: virtual time, crashes, pauses, skewed clocks, bad links."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from minikafka.sim.disk import SimDisk
from minikafka.sim.errors import Deadlock, SimulationError, VirtualTimeout
from minikafka.sim.loop import SimLoop, simulation
from minikafka.sim.process import Machine


class Peer(asyncio.Protocol):
    """Keeps what it gets and how it ended."""

    def __init__(self) -> None:
        self.data = b""
        self.lost_at_s: float | None = None
        self.error: Exception | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream's

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.error = error
        self.lost_at_s = asyncio.get_running_loop().time()


async def connect(loop: SimLoop, client: Machine, server: Machine) -> tuple[Peer, Peer]:
    accepted: asyncio.Future[Peer] = loop.create_future()

    async def listen() -> None:
        await loop.create_server(lambda: _resolved(accepted, Peer()), None, 1)

    async def call() -> Peer:
        _, protocol = await loop.create_connection(Peer, server.name, 1)
        assert isinstance(protocol, Peer)
        return protocol

    await server.start(listen)
    return await client.start(call), await accepted


def _resolved(future: "asyncio.Future[Peer]", peer: Peer) -> Peer:
    future.set_result(peer)
    return peer


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # virtual time costs nothing
        await asyncio.sleep(0.001)


def test_time_costs_nothing_and_is_exact() -> None:
    with simulation() as loop:
        loop.run_until_complete(asyncio.sleep(10 * 365 * 86_400))
        assert 0 <= loop.now - 10 * 365 * 86_400 < 0.001


def test_far_away_from_zero_timers_still_fire() -> None:
    with simulation() as loop:

        async def run() -> float:
            await asyncio.sleep(2.0**26)
            before = loop.time()
            for _ in range(100):
                await asyncio.sleep(0.001)
            return loop.time() - before

        assert 0.1 <= loop.run_until_complete(run()) < 0.2


def test_waiting_for_nothing_is_a_deadlock_that_names_who_waits() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with simulation(limit_s=10) as loop:
        loop.machine("a").start(wait)
        with pytest.raises(Deadlock, match="a: task-1"):
            loop.run_forever()


def test_too_long_a_scenario_ends() -> None:
    with simulation(limit_s=10) as loop, pytest.raises(VirtualTimeout, match=r"10\.5"):
        loop.run_until_complete(asyncio.sleep(10.5))


def test_the_failure_of_a_main_task_is_told_at_once() -> None:
    async def fail() -> None:
        raise ValueError("on purpose")

    with simulation() as loop:
        loop.machine("a").start(fail)
        loop.run_until_complete(asyncio.sleep(0.1))
        assert isinstance(loop.errors[0]["exception"], ValueError)


@pytest.mark.parametrize("power", [True, False])
def test_a_crash_runs_no_line_of_the_dead(power: bool) -> None:
    events: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1)
            events.append("woke")
        except asyncio.CancelledError:
            events.append("cancelled")
            raise
        finally:
            events.append("cleaned up")

    with simulation() as loop:
        machine = loop.machine("a")
        machine.start(work)
        loop.run_until_complete(asyncio.sleep(0.5))
        machine.crash(power)
        loop.run_until_complete(asyncio.sleep(5))
        assert events == []


def test_peers_of_the_killed_hear_it_and_those_of_the_powerless_do_not() -> None:
    ends = {}
    for power in (True, False):
        with simulation(1) as loop:
            server = loop.machine("server")

            client = loop.run_until_complete(_outlive(loop, server, power))
            ends[power] = client.lost_at_s
            assert isinstance(client.error, ConnectionResetError)
    assert ends[False] < 1 < 30 < ends[True] < 31


async def _outlive(loop: SimLoop, server: Machine, power: bool) -> Peer:
    client, _ = await connect(loop, loop.machine("client"), server)
    server.crash(power)
    await until(lambda: client.lost_at_s)
    return client


def test_a_restarted_machine_resets_connections_of_its_former_life() -> None:
    with simulation() as loop:
        server = loop.machine("server")

        async def run() -> Peer:
            client, _ = await connect(loop, loop.machine("client"), server)
            server.crash(power=True)
            server.start(lambda: asyncio.sleep(60))
            client.transport.write(b"hello?")
            await until(lambda: client.lost_at_s)
            return client

        client = loop.run_until_complete(run())
        assert client.lost_at_s is not None
        assert client.lost_at_s < 1


def test_a_paused_process_stands_still_while_its_kernel_receives() -> None:
    with simulation() as loop:
        server = loop.machine("server")

        async def run() -> tuple[bytes, bytes]:
            client, accepted = await connect(loop, loop.machine("client"), server)
            server.pause()
            client.transport.write(b"x" * 1000)
            await asyncio.sleep(5)
            during = accepted.data
            server.resume()
            await until(lambda: len(accepted.data) == 1000)
            return during, accepted.data

        assert loop.run_until_complete(run()) == (b"", b"x" * 1000)


def test_a_blocking_disk_stops_its_process_and_no_other() -> None:
    async def work(disk: SimDisk) -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        disk.mount().open("/a").append((b"x",))
        disk.mount().open("/b").append((b"x",))
        assert loop.time() - start == pytest.approx(6, abs=0.01)
        await asyncio.sleep(0.001)
        return loop.time() - start

    with simulation() as loop:
        machine, disk = loop.machine("a"), SimDisk()
        machine.attach(disk)
        disk.write_s = 3.0
        other = loop.machine("b").start(lambda: asyncio.sleep(1, loop.now))
        slow = machine.start(lambda: work(disk))
        loop.run_until_complete(asyncio.wait((other,)))
        assert loop.now == pytest.approx(1, abs=0.01)
        assert loop.run_until_complete(slow) == pytest.approx(6, abs=0.01)


def test_clocks_may_run_apart_and_no_timer_is_early() -> None:
    async def measure() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await asyncio.sleep(10)
        return start, loop.time() - start

    with simulation() as loop:
        machine = loop.machine("a")
        machine.rate, machine.offset_s = 1.1, 1000.0
        start, slept = loop.run_until_complete(machine.start(measure))
        assert start == pytest.approx(1000, abs=0.01)
        assert 10 <= slept < 10.01
        assert loop.now == pytest.approx(10 / 1.1, abs=0.01)


@pytest.mark.parametrize("both", [True, False])
def test_a_cut_link_holds_what_is_under_way(both: bool) -> None:
    with simulation() as loop:

        async def run() -> tuple[bytes, bytes]:
            client, server = await connect(loop, loop.machine("client"), loop.machine("server"))
            loop.network.cut("client", "server", both=both)
            client.transport.write(b"there")
            server.transport.write(b"back")
            await asyncio.sleep(5)
            during = server.data
            assert client.data == (b"" if both else b"back")
            loop.network.heal("client", "server")
            await until(lambda: server.data and client.data)
            return during, server.data

        assert loop.run_until_complete(run()) == (b"", b"there")


def test_a_cut_may_lose_connections() -> None:
    with simulation() as loop:

        async def run() -> None:
            client, server = await connect(loop, loop.machine("client"), loop.machine("server"))
            loop.network.cut("client", "server", lose=True)
            await until(lambda: client.lost_at_s and server.lost_at_s)

        loop.run_until_complete(run())


def test_bandwidth_takes_its_time() -> None:
    with simulation() as loop:
        loop.network.link("client", "server").bandwidth = 1e6

        async def run() -> float:
            client, server = await connect(loop, loop.machine("client"), loop.machine("server"))
            start = loop.now
            client.transport.write(b"x" * 2_000_000)
            await until(lambda: len(server.data) == 2_000_000)
            return loop.now - start

        assert loop.run_until_complete(run()) == pytest.approx(2, rel=0.05)


def test_a_buffer_changed_after_write_is_noticed() -> None:
    with simulation() as loop:

        async def run() -> None:
            client, _ = await connect(loop, loop.machine("client"), loop.machine("server"))
            buffer = bytearray(b"a" * 100)
            client.transport.write(buffer)
            buffer[:] = b"b" * 100
            await asyncio.sleep(0.1)

        loop.run_until_complete(run())
        assert isinstance(loop.errors[0]["exception"], SimulationError)


def test_machines_connect_only_to_those_that_listen_and_live() -> None:
    with simulation() as loop:

        async def call() -> None:
            await loop.create_connection(Peer, "server", 1)

        async def run() -> None:
            with pytest.raises(ConnectionRefusedError):
                await call()
            server = loop.machine("server")
            server.start(lambda: asyncio.sleep(60))
            server.crash(power=True)
            start = loop.now
            with pytest.raises(TimeoutError):
                await call()
            assert loop.now - start == pytest.approx(10, abs=0.1)

        loop.run_until_complete(run())


def test_seeds_choose_the_order_between_machines_and_never_within_one() -> None:
    def order(seed: int) -> list[str]:
        seen: list[str] = []

        async def count(name: str) -> None:
            for number in range(5):
                seen.append(f"{name}{number}")
                await asyncio.sleep(0)

        with simulation(seed) as loop:
            for name in "ab":
                loop.machine(name).start(partial(count, name))
            loop.run_until_complete(asyncio.sleep(1))
        assert [each for each in seen if each[0] == "a"] == [f"a{n}" for n in range(5)]
        return seen

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(20)}) > 5
