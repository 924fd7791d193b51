"""Waiting for a commit: in order, all of what has passed, nothing else."""

import pytest

from minikafka.replicated.commit_queue import CommitQueue


@pytest.fixture
def queue() -> CommitQueue[str]:
    made: CommitQueue[str] = CommitQueue()
    for end_offset, entry in ((3, "a"), (3, "b"), (5, "c")):
        made.add(end_offset, entry)
    return made


def test_what_is_committed_leaves_in_order(queue: CommitQueue[str]) -> None:
    assert queue.take_committed(2) == []
    assert queue.take_committed(4) == ["a", "b"]
    assert len(queue) == 1
    assert queue.take_committed(5) == ["c"]
    assert not queue


def test_an_entry_cannot_overtake(queue: CommitQueue[str]) -> None:
    with pytest.raises(AssertionError):
        queue.add(4, "d")


def test_the_first_can_give_up_before_its_commit(queue: CommitQueue[str]) -> None:
    assert queue.first == "a"
    assert queue.take() == "a"
    assert queue.first == "b"
    assert queue.take_all() == ["b", "c"]
    assert not queue
