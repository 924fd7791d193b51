"""However requests are cut, interleaved and delayed, the same requests come out, in order."""

import asyncio
from collections.abc import Coroutine
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.network.rig import PRODUCE, framed
from unit.network.wire import Wire

from minikafka.network.connection import Exchange
from minikafka.network.exchange import WAITING
from minikafka.network.limits import NetworkLimits
from minikafka.network.server import Server

KIB = 1 << 10
SIZES = st.one_of(
    st.integers(1, 40),
    st.integers(1, 5_000),
    st.sampled_from([4_092, 4_096, 32_768, 32_769, 65_536, 262_140, 262_144, 262_145]),
    st.integers(1, 1_200_000),
)


def run(main: Coroutine[object, object, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(main)


def body_of(number: int, size: int) -> bytes:
    """Bytes that differ between requests and positions."""
    seed = bytes((number * 7 + i) % 251 for i in range(min(size, 1009)))
    return (seed * (size // len(seed) + 1))[:size]


def close(server: Server, wires: list[Wire]) -> None:
    for wire in wires:
        wire.cut()
    assert not server.connections
    assert server.memory.held_bytes == 0
    assert not server.memory.is_short


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(SIZES, min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 300_000), min_size=1, max_size=20),
)
def test_frames_cut_anywhere_come_out_the_same(sizes: list[int], cuts: list[int]) -> None:
    async def main() -> None:
        bodies = [body_of(number, size) for number, size in enumerate(sizes)]
        seen: list[bytes] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            seen.append(bytes(frame))
            exchange.answer((b"%d" % len(seen),))

        server = Server(NetworkLimits(), serve)
        wire = Wire(server)
        stream = b"".join(map(framed, bodies))
        position = turn = 0
        while position < len(stream):
            step = cuts[turn % len(cuts)]
            wire.feed(stream[position : position + step])
            position += step
            turn += 1
        assert seen == bodies
        assert wire.outbox == b"".join(framed(b"%d" % (n + 1)) for n in range(len(bodies)))
        close(server, [wire])

    run(main())


@settings(max_examples=150, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["sync", "async", "passable", "late"]), min_size=8, max_size=40),
    cuts=st.lists(st.integers(20, 300), min_size=1, max_size=5),
    limit=st.integers(1, 6),
    choices=st.randoms(use_true_random=False),
)
def test_answers_keep_the_order_whatever_completes_first(
    kinds: list[str], cuts: list[int], limit: int, choices: Random
) -> None:
    """'sync' answers at once, 'async' waits, 'passable' lets others pass, 'late' does so later."""

    async def main() -> None:
        waiting: dict[int, tuple[str, Exchange]] = {}
        answered: list[int] = []
        served: list[int] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            number = int(bytes(frame[2:8]))
            kind = kinds[number]
            # The rule, said again: all earlier ones answered, or all of them passable Produces.
            assert served == list(range(number))
            if waiting:
                assert bytes(frame[:2]) == PRODUCE
                assert all(other.state != WAITING for _, other in waiting.values())
            unanswered = [n for n in served if n not in answered]
            assert not unanswered or kind != "async"
            assert len(unanswered) < limit
            served.append(number)
            if kind == "sync":
                answered.append(number)
                exchange.answer((b"%d" % number,))
                return
            if kind == "passable":
                exchange.let_produce_pass()
            waiting[number] = (kind, exchange)

        server = Server(NetworkLimits(produces_in_flight_max=limit), serve)
        wire = Wire(server)
        stream = b"".join(
            framed((b"\0\1" if kind == "async" else PRODUCE) + b"%06d" % number + b"." * number)
            for number, kind in enumerate(kinds)
        )
        position = turn = 0
        while len(answered) < len(kinds):
            if position < len(stream):
                step = cuts[turn % len(cuts)]
                wire.feed(stream[position : position + step])
                position += step
                turn += 1
            if waiting and (choices.random() < 0.3 or position >= len(stream)):
                number = sorted(waiting)[int(choices.random() * len(waiting))]
                kind, exchange = waiting[number]
                if kind == "late" and exchange.state == WAITING:
                    exchange.let_produce_pass()
                else:
                    del waiting[number]
                    answered.append(number)
                    exchange.answer((b"%d" % number,))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            wire.read()
        assert wire.outbox == b"".join(framed(b"%d" % number) for number in range(len(kinds)))
        assert not wire.paused
        close(server, [wire])

    run(main())


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(
        st.lists(st.integers(1, 400 * KIB), min_size=1, max_size=4), min_size=1, max_size=8
    ),
    budget=st.integers(400, 1600),
    steps=st.lists(
        st.tuples(st.integers(0, 7), st.integers(1, 200 * KIB)), min_size=1, max_size=60
    ),
    dies=st.integers(-1, 7),
)
def test_memory_stays_within_its_budget_and_everybody_completes(
    requests: list[list[int]], budget: int, steps: list[tuple[int, int]], dies: int
) -> None:
    async def main() -> None:
        seen: dict[object, list[int]] = {}

        def serve(exchange: Exchange, frame: memoryview) -> None:
            seen.setdefault(exchange.connection, []).append(len(frame))
            exchange.answer((b"ok",))

        limits = NetworkLimits(request_max_bytes=400 * KIB, queued_max_bytes=budget * KIB)
        server = Server(limits, serve)
        wires = [Wire(server) for _ in requests]
        streams = [
            b"".join(framed(body_of(n, size)) for n, size in enumerate(sizes)) for sizes in requests
        ]
        # What had been read when memory ran out is charged without asking: one scratch each.
        slack = len(wires) * 256 * KIB
        for who, step in steps:
            index = who % len(wires)
            wires[index].feed(streams[index][:step])
            streams[index] = streams[index][step:]
            for wire in wires:
                wire.read()
            assert server.memory.used_bytes <= server.memory.capacity + slack
        if 0 <= dies < len(wires):
            wires.pop(dies).cut()
            streams.pop(dies)
            requests.pop(dies)
        for wire, stream in zip(wires, streams, strict=True):
            wire.feed(stream)
        for _ in wires:
            for wire in wires:
                wire.read()
        for wire, sizes in zip(wires, requests, strict=True):
            assert seen[wire.connection] == sizes
            assert not wire.paused
        close(server, wires)

    run(main())
