"""The rate of throttled replication, second by second."""

import pytest

from minikafka.replication.throttling import UNLIMITED, ReplicationQuota, lists_replica


def quota(limit: int) -> ReplicationQuota:
    made = ReplicationQuota(11, 1000)
    made.limit = limit
    return made


def test_without_a_limit_nothing_is_exceeded() -> None:
    made = quota(UNLIMITED)
    made.record(10**12, 0)
    assert not made.is_exceeded(0)
    assert made.free_in_ms(0) == 0


def test_the_first_second_counts_whole() -> None:
    made = quota(1000)
    made.record(1000, 0)
    assert not made.is_exceeded(0)
    made.record(1, 0)
    assert made.is_exceeded(0)
    assert made.is_exceeded(1000)
    assert not made.is_exceeded(1001)


@pytest.mark.parametrize(("recorded", "expected"), [(1000, 0), (1500, 1500), (5000, 5000)])
def test_it_is_free_again_when_the_rate_is(recorded: int, expected: int) -> None:
    made = quota(1000)
    made.record(recorded, 0)
    assert made.free_in_ms(0) == expected
    assert not made.is_exceeded(expected)
    if expected:
        assert made.free_in_ms(expected - 1) == 1


def test_what_is_older_than_the_window_is_forgotten() -> None:
    made = quota(1)
    made.record(10**6, 5)
    made.record(7, 1005)
    assert made.free_in_ms(5) == 11_000
    assert made.is_exceeded(11_004)
    # Of the last ten seconds there are the seven bytes.
    assert not made.is_exceeded(11_005)
    made.record(4, 11_500)
    assert made.is_exceeded(11_500)


def test_a_limit_of_zero_waits_for_the_window() -> None:
    made = quota(0)
    assert not made.is_exceeded(0)
    made.record(1, 0)
    assert made.free_in_ms(4000) == 7000
    assert made.free_in_ms(11_000) == 0


def test_over_a_long_time_the_limit_is_the_rate() -> None:
    made = quota(50_000)
    now_ms = copied = 0
    while now_ms < 120_000:
        if (wait_ms := made.free_in_ms(now_ms)) > 0:
            now_ms += wait_ms
        else:
            made.record(9_000, now_ms)
            copied += 9_000
    assert copied == pytest.approx(50_000 * 120, rel=0.05)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [((), False), (("*",), True), (("0:1", "3:2"), True), (("3:1", "0:2", "13:2"), False)],
)
def test_replicas_are_listed_by_partition_and_broker(
    listed: tuple[str, ...], expected: bool
) -> None:
    assert lists_replica(listed, 3, 2) is expected
