"""Deadlines: moved without touching the heap, and never early."""

from minikafka.coordinators.group.timers import Timers


def drain(timers: Timers, now_ms: int) -> list[str]:
    found = []
    while (key := timers.take_due(now_ms)) is not None:
        found.append(key[0])
    return found


def test_keys_fall_due_in_order() -> None:
    timers = Timers()
    for name, due_ms in (("b", 20), ("a", 10), ("c", 30)):
        timers.set((name,), due_ms)
    assert timers.next_look_ms() == 10
    assert drain(timers, 9) == []
    assert drain(timers, 20) == ["a", "b"]
    assert drain(timers, 100) == ["c"]
    assert timers.next_look_ms() is None


def test_a_later_deadline_replaces_an_earlier_one() -> None:
    timers = Timers()
    timers.set(("a",), 10)
    timers.set(("a",), 50)
    assert drain(timers, 10) == []
    assert timers.next_look_ms() == 50
    assert drain(timers, 50) == ["a"]


def test_an_earlier_deadline_replaces_a_later_one() -> None:
    timers = Timers()
    timers.set(("a",), 50)
    timers.set(("a",), 10)
    assert drain(timers, 10) == ["a"]
    assert drain(timers, 50) == []


def test_a_cancelled_key_never_falls_due() -> None:
    timers = Timers()
    timers.set(("a",), 10)
    timers.cancel(("a",))
    assert timers.due(("a",)) is None
    assert drain(timers, 100) == []
    timers.set(("a",), 120)
    assert drain(timers, 120) == ["a"]
