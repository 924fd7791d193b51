"""The epoch cache as OffsetForLeaderEpoch needs it."""

import pytest

from minikafka.log.leader_epochs import LeaderEpochs


def test_an_epoch_that_wrote_nothing_has_no_place() -> None:
    epochs = LeaderEpochs()
    epochs.assign(1, 0)
    epochs.assign(2, 10)
    epochs.assign(3, 10)
    assert epochs.entries() == [(1, 0), (3, 10)]
    epochs.assign(3, 15)
    assert epochs.entries() == [(1, 0), (3, 10)]
    assert epochs.latest == 3
    assert epochs.dirty


def test_contradicted_entries_are_forgotten() -> None:
    epochs = LeaderEpochs([(1, 0), (4, 10), (6, 20)])
    assert not epochs.dirty
    epochs.assign(5, 15)
    assert epochs.entries() == [(1, 0), (4, 10), (5, 15)]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (-1, (-1, -1)),
        (0, (0, 5)),  # before the first known: where that one begins
        (1, (1, 10)),
        (2, (1, 10)),
        (4, (4, 20)),
        (6, (6, 33)),
        (7, (-1, -1)),
    ],
)
def test_end_of_an_epoch(asked: int, answer: tuple[int, int]) -> None:
    epochs = LeaderEpochs([(1, 5), (4, 10), (6, 20)])
    assert epochs.end_offset(asked, 33) == answer


def test_which_epoch_wrote_an_offset() -> None:
    epochs = LeaderEpochs([(1, 5), (4, 10)])
    assert [epochs.at(offset) for offset in (4, 5, 9, 10, 99)] == [-1, 1, 1, 4, 4]
    assert LeaderEpochs().at(0) == -1
    assert LeaderEpochs().end_offset(0, 5) == (-1, -1)


def test_truncation_at_both_ends() -> None:
    epochs = LeaderEpochs([(1, 0), (4, 10), (6, 20)])
    epochs.truncate_from_end(20)
    assert epochs.entries() == [(1, 0), (4, 10)]
    epochs.truncate_from_start(12)
    assert epochs.entries() == [(4, 12)]
    epochs.truncate_from_start(12)
    assert epochs.entries() == [(4, 12)]
    epochs.clear()
    assert epochs.entries() == []
    assert epochs.dirty
