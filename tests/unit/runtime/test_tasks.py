"""Scopes: failures are told at once, nothing is left running."""

import asyncio

import pytest

from minikafka.runtime.tasks import Scope


class Reports:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, name: str, failure: BaseException) -> None:
        self.seen.append((name, repr(failure)))


async def test_a_failure_is_reported_and_others_go_on() -> None:
    reports = Reports()
    scope = Scope("host", reports)
    goes_on = asyncio.Event()

    async def fail() -> None:
        raise ValueError("broken")

    async def stay() -> None:
        await goes_on.wait()

    scope.spawn(fail(), "fails")
    staying = scope.spawn(stay(), "stays")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert reports.seen == [("host/fails", "ValueError('broken')")]
    assert len(scope) == 1
    goes_on.set()
    await staying
    assert len(scope) == 0


async def test_close_cancels_and_waits_for_the_clean_up() -> None:
    reports = Reports()
    scope = Scope("host", reports)
    events: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            events.append("cleaned up")

    scope.spawn(work(), "work")
    await asyncio.sleep(0)
    await scope.close()
    assert events == ["cleaned up"]
    assert reports.seen == []
    assert len(scope) == 0


async def test_a_failure_while_closing_is_reported() -> None:
    reports = Reports()
    scope = Scope("host", reports)

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("disk gone")

    scope.spawn(work(), "work")
    await asyncio.sleep(0)
    await scope.close()
    assert reports.seen == [("host/work", "OSError('disk gone')")]


async def test_a_closed_scope_starts_nothing() -> None:
    scope = Scope("host", Reports())
    await scope.close()

    async def work() -> None:
        raise AssertionError("must not run")

    with pytest.raises(RuntimeError, match="closed"):
        scope.spawn(work(), "work")


async def test_a_task_may_close_its_own_scope() -> None:
    scope = Scope("host", Reports())
    closed = scope.spawn(scope.close(), "closer")
    await closed
    assert len(scope) == 0
