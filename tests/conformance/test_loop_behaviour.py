"""What code may rely on of an event loop: asyncio, uvloop and the simulated one must agree.

Each case is a coroutine that asserts; it runs on every loop, on the simulated one with several
seeds.
"""

import asyncio
import contextvars
import errno
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
import uvloop

from minikafka.sim.loop import simulation

P = TypeVar("P", bound=asyncio.BaseProtocol)
Case = Callable[[], Coroutine[Any, Any, None]]
SEEDS = range(6)
HOST = "127.0.0.1"


def run_on(kind: str, case: Case) -> None:
    """Run a case to its end on one kind of loop."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await case()

    if kind == "simulated":
        for seed in SEEDS:
            with simulation(seed, limit_s=600) as loop:
                loop.run_until_complete(loop.machine("a").start(bounded))
    else:
        factory = asyncio.new_event_loop if kind == "asyncio" else uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(bounded())


class Recorder(asyncio.Protocol):
    """Keeps what it is told. `events` has made, data (once in a row), eof, lost, pause, resume."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.data = bytearray()
        self.made: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream's
        self.events.append("made")
        self.made.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.events[-1] != "data":
            self.events.append("data")

    def eof_received(self) -> bool | None:
        self.events.append("eof")
        return None

    def connection_lost(self, error: Exception | None) -> None:
        self.events.append("lost")
        self.lost.set_result(error)

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def life(self) -> list[str]:
        return [event for event in self.events if event not in ("pause", "resume")]


class Buffered(asyncio.BufferedProtocol):
    """Reads through a small buffer."""

    def __init__(self) -> None:
        self.buffer = bytearray(100)
        self.data = bytearray()
        self.calls: list[str] = []
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> memoryview:
        assert sizehint == -1 or sizehint > 0
        self.calls.append("get")
        return memoryview(self.buffer)

    def buffer_updated(self, nbytes: int) -> None:
        assert 0 < nbytes <= 100
        self.calls.append("updated")
        self.data += self.buffer[:nbytes]

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(error)


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # conditions of any kind
        await asyncio.sleep(0.002)


async def connect(server: Callable[[], P]) -> tuple[Recorder, P]:
    """A connected pair: the client's protocol and the server's."""
    loop = asyncio.get_running_loop()
    accepted: list[P] = []

    def accept() -> P:
        accepted.append(server())
        return accepted[0]

    listener = await loop.create_server(accept, HOST, 0)
    _, client = await loop.create_connection(Recorder, *listener.sockets[0].getsockname()[:2])
    await until(lambda: accepted)
    listener.close()
    return client, accepted[0]


async def pair() -> tuple[Recorder, Recorder]:
    client, server = await connect(Recorder)
    await server.made
    return client, server


# -- callbacks, timers, tasks ---------------------------------------------------------------------


async def callbacks_keep_their_order() -> None:
    order: list[int] = []
    for number in range(20):
        asyncio.get_running_loop().call_soon(order.append, number)
    await until(lambda: len(order) == 20)
    assert order == list(range(20))


async def a_callback_made_by_a_callback_comes_after_those_there() -> None:
    loop, order = asyncio.get_running_loop(), list[str]()
    loop.call_soon(lambda: (order.append("a"), loop.call_soon(order.append, "c")))
    loop.call_soon(order.append, "b")
    await until(lambda: len(order) == 3)
    assert order == ["a", "b", "c"]


async def timers_fire_in_the_order_of_their_time() -> None:
    loop, order = asyncio.get_running_loop(), list[int]()
    for delay_ms in (60, 20, 40):
        loop.call_later(delay_ms / 1000, order.append, delay_ms)
    await until(lambda: len(order) == 3)
    assert order == [20, 40, 60]


async def a_timer_is_at_most_a_millisecond_early() -> None:
    loop = asyncio.get_running_loop()
    for delay in (0.0105, 0.0031, 0.0149):
        start = loop.time()
        await asyncio.sleep(delay)
        assert loop.time() - start >= delay - 0.0011


async def a_cancelled_callback_does_not_run() -> None:
    loop, ran = asyncio.get_running_loop(), list[int]()
    timer, soon = loop.call_later(0.005, ran.append, 1), loop.call_soon(ran.append, 2)
    timer.cancel()
    soon.cancel()
    timer.cancel()
    await asyncio.sleep(0.03)
    assert ran == []
    assert timer.cancelled()


async def callbacks_run_in_the_context_given() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    seen: list[str] = []
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: seen.append(variable.get()), context=context)
    loop.call_later(0.002, lambda: seen.append(variable.get()), context=context)
    loop.call_soon(lambda: seen.append(variable.get()))
    await until(lambda: len(seen) == 3)
    assert seen == ["given", "none", "given"]


async def a_failing_callback_is_told_and_the_loop_goes_on() -> None:
    loop, told = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: told.append(context))
    loop.call_soon(lambda: 1 / 0)
    await until(lambda: told)
    assert isinstance(told[0]["exception"], ZeroDivisionError)


async def a_timeout_cancels_what_it_bounds() -> None:
    cancelled = False
    try:
        async with asyncio.timeout(0.01):
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled = True
                raise
    except TimeoutError:
        pass
    assert cancelled


async def a_task_starts_later_and_is_cancelled_at_its_await() -> None:
    events: list[str] = []

    async def work() -> None:
        events.append("started")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            events.append("ended")

    task = asyncio.get_running_loop().create_task(work(), name="work")
    assert events == []
    assert task.get_name() == "work"
    await asyncio.sleep(0)
    task.cancel()
    assert events == ["started"]
    await asyncio.wait((task,))
    assert events == ["started", "ended"]
    assert task.cancelled()


async def waiters_of_a_future_wake_in_their_order() -> None:
    future, order = asyncio.get_running_loop().create_future(), list[int]()

    async def wait(number: int) -> None:
        await future
        order.append(number)

    tasks = [asyncio.ensure_future(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    future.set_result(None)
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def first_completed_leaves_the_others() -> None:
    never = asyncio.get_running_loop().create_future()
    soon = asyncio.ensure_future(asyncio.sleep(0.002))
    done, pending = await asyncio.wait((never, soon), return_when=asyncio.FIRST_COMPLETED)
    assert (done, pending) == ({soon}, {never})


async def an_executor_gives_results_and_errors() -> None:
    loop = asyncio.get_running_loop()
    jobs = [loop.run_in_executor(None, pow, number, 2) for number in range(5)]
    assert await asyncio.gather(*jobs) == [0, 1, 4, 9, 16]
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(None, divmod, 1, 0)


# -- connecting -----------------------------------------------------------------------------------


async def both_ends_know_each_others_address() -> None:
    client, server = await pair()
    for one, other in ((client, server), (server, client)):
        own = one.transport.get_extra_info("sockname")
        assert own[1] == other.transport.get_extra_info("peername")[1]
    client.transport.abort()
    await server.lost


async def connection_made_comes_before_create_connection_returns() -> None:
    client, server = await pair()
    assert client.events == ["made"]
    client.transport.abort()
    await server.lost


async def a_port_without_listener_refuses() -> None:
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(Recorder, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await loop.create_connection(Recorder, HOST, port)


async def a_port_that_is_only_taken_refuses_until_it_serves() -> None:
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(Recorder, HOST, 0, start_serving=False)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        await loop.create_connection(Recorder, HOST, port)
    await listener.start_serving()
    assert listener.is_serving()
    with pytest.raises(OSError, match=r"in use|taken") as taken:
        await loop.create_server(Recorder, HOST, port)
    assert taken.value.errno == errno.EADDRINUSE
    transport, client = await loop.create_connection(Recorder, HOST, port)
    transport.close()
    await client.lost
    listener.close()


async def a_cancelled_connect_leaves_no_connection() -> None:
    loop = asyncio.get_running_loop()
    accepted: list[Recorder] = []

    def accept() -> Recorder:
        accepted.append(Recorder())
        return accepted[-1]

    listener = await loop.create_server(accept, HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    task = loop.create_task(loop.create_connection(Recorder, HOST, port))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # A later connection comes after whatever the first has left.
    transport, _ = await loop.create_connection(Recorder, HOST, port)
    await until(lambda: any(each.made.done() for each in accepted))
    transport.close()
    await until(lambda: all(each.lost.done() for each in accepted))
    listener.close()


async def connections_outlive_their_listener() -> None:
    client, server = await pair()
    client.transport.write(b"after")
    await until(lambda: server.data == b"after")
    client.transport.abort()
    await server.lost


# -- bytes ----------------------------------------------------------------------------------------


async def bytes_arrive_once_and_in_order() -> None:
    client, server = await pair()
    sent = bytes(range(256)) * 4000
    for start in range(0, len(sent), 10_007):
        client.transport.write(sent[start : start + 10_007])
    await until(lambda: len(server.data) >= len(sent))
    assert server.data == sent
    client.transport.abort()
    await server.lost


async def any_buffer_may_be_written() -> None:
    client, server = await pair()
    client.transport.write(bytearray(b"one"))
    client.transport.write(memoryview(b"xtwox")[1:4])
    client.transport.write(b"")
    client.transport.writelines([b"three", memoryview(b"four"), bytearray(b"five")])
    await until(lambda: len(server.data) == 19)
    assert server.data == b"onetwothreefourfive"
    client.transport.abort()
    await server.lost


async def a_buffered_protocol_is_asked_before_each_read() -> None:
    client, server = await connect(Buffered)
    client.transport.write(b"x" * 250)
    await until(lambda: len(server.data) == 250)
    calls = server.calls[: len(server.calls) // 2 * 2]
    assert calls == ["get", "updated"] * (len(calls) // 2)
    assert calls.count("updated") >= 3
    client.transport.abort()
    await server.lost


async def paused_reading_delivers_nothing() -> None:
    client, server = await pair()
    server.transport.pause_reading()
    assert not server.transport.is_reading()
    client.transport.write(b"abc")
    await asyncio.sleep(0.05)
    assert server.data == b""
    server.transport.resume_reading()
    await until(lambda: server.data == b"abc")
    client.transport.abort()
    await server.lost


async def reading_may_be_paused_from_within_a_read() -> None:
    class Sipping(Recorder):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.transport.pause_reading()

    client, server = await connect(Sipping)
    client.transport.write(b"x" * 1_000_000)
    await until(lambda: server.data)
    first = len(server.data)
    await asyncio.sleep(0.02)
    assert len(server.data) == first < 1_000_000
    client.transport.abort()
    server.transport.abort()
    await server.lost


async def a_peer_that_does_not_read_pauses_the_writer_within_write() -> None:
    client, server = await pair()
    server.transport.pause_reading()
    client.transport.set_write_buffer_limits(high=1000)
    client.transport.write(b"x" * 20_000_000)
    assert client.events == ["made", "pause"]
    assert client.transport.get_write_buffer_size() > 1000
    await asyncio.sleep(0.02)
    assert client.events == ["made", "pause"]
    server.transport.resume_reading()
    await until(lambda: "resume" in client.events)
    assert client.transport.get_write_buffer_size() <= 250
    await until(lambda: len(server.data) == 20_000_000)
    client.transport.abort()
    await server.lost


# -- ends -----------------------------------------------------------------------------------------


async def closing_sends_what_was_written() -> None:
    client, server = await pair()
    client.transport.write(b"x" * 3_000_000)
    client.transport.close()
    assert client.transport.is_closing()
    assert await server.lost is None
    assert len(server.data) == 3_000_000
    assert server.events == ["made", "data", "eof", "lost"]
    assert await client.lost is None
    assert client.life() == ["made", "lost"]


async def aborting_drops_what_was_written() -> None:
    client, server = await pair()
    server.transport.pause_reading()
    client.transport.write(b"x" * 20_000_000)
    client.transport.abort()
    assert await client.lost is None
    server.transport.resume_reading()
    await server.lost
    assert len(server.data) < 20_000_000


async def connection_lost_is_not_called_within_close_or_abort() -> None:
    for end in ("close", "abort"):
        client, server = await pair()
        getattr(client.transport, end)()
        getattr(client.transport, end)()
        assert client.events == ["made"]
        await client.lost
        await server.lost
        assert client.events == ["made", "lost"]


async def nothing_is_delivered_after_the_own_close() -> None:
    client, server = await pair()
    server.transport.write(b"x" * 1000)
    client.transport.close()
    await client.lost
    assert client.events == ["made", "lost"]
    server.transport.abort()
    await server.lost


async def writing_after_close_is_ignored() -> None:
    client, server = await pair()
    client.transport.close()
    client.transport.write(b"x")
    await server.lost
    assert server.data == b""


async def the_end_closes_unless_the_protocol_wants_otherwise() -> None:
    client, server = await pair()
    client.transport.write_eof()
    assert await server.lost is None
    await client.lost
    assert server.events == ["made", "eof", "lost"]


async def half_a_connection_carries_answers() -> None:
    class Late(Recorder):
        def eof_received(self) -> bool:
            super().eof_received()
            self.transport.write(b"late")
            return True

    client, server = await connect(Late)
    client.transport.write(b"question")
    client.transport.write_eof()
    await until(lambda: client.data == b"late")
    assert server.data == b"question"
    assert not server.lost.done()
    server.transport.close()
    await client.lost
    await server.lost


async def a_failing_protocol_loses_its_connection() -> None:
    class Failing(Recorder):
        def data_received(self, data: bytes) -> None:
            raise ValueError("on purpose")

    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    client, server = await connect(Failing)
    client.transport.write(b"x")
    await server.lost
    await client.lost
    assert isinstance(told[0]["exception"], ValueError)


async def a_peer_that_is_gone_is_noticed_by_the_writer() -> None:
    client, server = await pair()
    server.transport.abort()
    await server.lost
    while not client.lost.done():
        client.transport.write(b"x" * 1000)
        await asyncio.sleep(0.002)
    assert client.life()[-1] == "lost"


async def streams_work_on_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, HOST, 0)
    address = listener.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"hello\n")
    assert await reader.read() == b"hello\n"
    writer.close()
    await writer.wait_closed()
    listener.close()


CASES: tuple[Case, ...] = tuple(
    found
    for name, found in list(globals().items())
    if asyncio.iscoroutinefunction(found) and name not in ("until", "connect", "pair")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("kind", ["asyncio", "uvloop", "simulated"])
def test_loops_agree(kind: str, case: Case) -> None:
    run_on(kind, case)
