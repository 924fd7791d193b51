"""Nodes die under load and no record is lost; and the judge of that finds what is planted."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cluster_kills.faults import KILLS
from cluster_kills.run import run
from cluster_kills.verdict import Ledger, Verdict
from harness.cluster import RunningCluster

COUNT = 1000


def test_every_record_outlives_every_kill(tmp_path: Path) -> None:
    """The short version of `make cluster-kills`."""
    said: list[str] = []
    with RunningCluster(tmp_path, first_id=1) as cluster:
        verdict, struck = run(cluster, KILLS, rate=300, records=3000, say=said.append)
    assert len(struck) == len(KILLS)
    assert verdict.clean, "\n".join((str(verdict), *said))


def verdict(change: Callable[[list[int]], None]) -> Verdict:
    """On two rows of which one was changed after it was written."""
    whole, changed = list(range(COUNT)), list(range(COUNT))
    change(changed)
    ledger = Ledger()
    for number in whole:
        ledger.take("sdk", 0, number)
    for number in changed:
        ledger.take("confluent", 0, number)
    return ledger.judge({("sdk", 0): COUNT, ("confluent", 0): COUNT})


def test_rows_as_they_were_written_are_clean() -> None:
    found = verdict(lambda numbers: None)
    assert found.clean
    assert found.records == 2 * COUNT


@pytest.mark.parametrize("place", [0, 500, COUNT - 1])
def test_a_removed_record_is_lost(place: int) -> None:
    found = verdict(lambda numbers: numbers.remove(place))
    assert (found.lost, found.doubled, found.out_of_order, found.unknown) == (1, 0, 0, 0)
    assert not found.clean


@pytest.mark.parametrize("place", [0, 500, COUNT - 1])
def test_a_repeated_record_is_doubled(place: int) -> None:
    found = verdict(lambda numbers: numbers.insert(place, place))
    assert (found.lost, found.doubled, found.out_of_order, found.unknown) == (0, 1, 0, 0)
    assert not found.clean


def test_two_records_in_each_others_place_are_out_of_order() -> None:
    def swap(numbers: list[int]) -> None:
        numbers[500], numbers[501] = numbers[501], numbers[500]

    found = verdict(swap)
    assert (found.lost, found.doubled, found.out_of_order, found.unknown) == (0, 0, 1, 0)
    assert not found.clean


def test_a_record_of_nobody_is_told() -> None:
    found = verdict(lambda numbers: numbers.append(COUNT))
    assert found.unknown == 1
    assert not found.clean


def test_a_row_of_which_nothing_is_left_is_lost() -> None:
    found = verdict(lambda numbers: numbers.clear())
    assert found.lost == COUNT
