"""Clocks: age may be moved by days, in order, while the loop's own time stays."""

import asyncio

from minikafka.runtime.clock import AgeClock, WallClock

DAY_MS = 24 * 3600 * 1000


async def test_advancing_fires_in_order_of_age_and_moves_the_wall_clock() -> None:
    loop = asyncio.get_running_loop()
    wall = WallClock()
    clock = AgeClock(loop, wall)
    events: list[tuple[str, int]] = []
    wall_before, loop_before, age_before = wall.now_ms(), loop.time(), clock.now_ms()

    def note(name: str) -> None:
        events.append((name, (clock.now_ms() - age_before) // DAY_MS))

    def again() -> None:
        note("b")
        clock.call_later(2 * DAY_MS, lambda: note("d"))

    clock.call_later(3 * DAY_MS, lambda: note("c"))
    clock.call_later(2 * DAY_MS, again)
    clock.call_later(DAY_MS, lambda: note("a"))
    clock.call_later(30 * DAY_MS, lambda: note("never"))
    assert await clock.advance(7 * DAY_MS) == 4
    assert events == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    # Both clocks count whole milliseconds and tick at different instants: the days that pass at
    # once may look one short on the other clock.
    assert 7 * DAY_MS - 1 <= wall.now_ms() - wall_before < 7 * DAY_MS + 5000
    assert loop.time() - loop_before < 5
    clock.close()


async def test_a_task_woken_by_a_timer_runs_before_the_next_timer() -> None:
    clock = AgeClock(asyncio.get_running_loop())
    woken = asyncio.Event()
    events: list[str] = []

    async def wait() -> None:
        await woken.wait()
        events.append("task")

    task = asyncio.create_task(wait())
    clock.call_later(1000, woken.set)
    clock.call_later(2000, lambda: events.append("timer"))
    await clock.advance(5000)
    await task
    assert events == ["task", "timer"]


async def test_a_cancelled_timer_does_not_fire_and_is_not_counted() -> None:
    clock = AgeClock(asyncio.get_running_loop())
    events: list[str] = []
    timer = clock.call_later(1000, lambda: events.append("cancelled"))
    clock.call_later(1000, lambda: events.append("kept"))
    timer.cancel()
    assert timer.cancelled
    assert await clock.advance(1000) == 1
    assert events == ["kept"]


async def test_time_that_passes_by_itself_fires_timers_too() -> None:
    clock = AgeClock(asyncio.get_running_loop())
    fired = asyncio.Event()
    clock.call_later(50, lambda: None)
    clock.call_later(5, fired.set)
    async with asyncio.timeout(5):
        await fired.wait()
    clock.close()
