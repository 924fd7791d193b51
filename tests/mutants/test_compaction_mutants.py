"""The test of the compaction tests: bugs planted one at a time, each of which they must find.

Every mutant is a change of one rule. The same random lives that pass with the real code are played
with it until one fails.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from unit.log.compaction_world import story

from minikafka.log import compaction, compaction_batches
from minikafka.log.compaction import Compaction
from minikafka.log.compaction_batches import RecordFilter
from minikafka.log.compaction_keys import OffsetMap
from minikafka.log.compaction_transactions import CleanedTransactions
from minikafka.log.errors import CorruptLogError
from minikafka.log.segment import Segment
from minikafka.log.segment_swap import SWAP_SUFFIX, CleanedSegment, SwappableLog
from minikafka.records.batch import BatchHeader

Patch = pytest.MonkeyPatch
STORIES_MAX = 400


def a_marker_goes_at_once(patch: Patch) -> None:
    patch.setattr(Compaction, "_keep_marker", lambda *_, **__: None)


def a_marker_goes_while_its_data_is_there(patch: Patch) -> None:
    def is_needless(*_: Any) -> bool:
        return True

    patch.setattr(CleanedTransactions, "meet_control", is_needless)


def a_tombstone_goes_at_once(patch: Patch) -> None:
    keep = RecordFilter.keep

    def without(self: RecordFilter, offsets: OffsetMap, most: int, **_: bool) -> None:
        keep(self, offsets, most, keep_tombstones=False)

    patch.setattr(RecordFilter, "keep", without)


def the_horizon_is_now(patch: Patch) -> None:
    encode = compaction_batches.encode_batch

    def at_once(*given: Any) -> bytes:
        horizon_ms = given[-1]
        return encode(*given[:-1], None if horizon_ms is None else horizon_ms - 999)

    patch.setattr(compaction, "encode_batch", at_once)


def the_map_is_one_too_high(patch: Patch) -> None:
    latest = OffsetMap.latest
    patch.setattr(OffsetMap, "latest", lambda self, key: latest(self, key) + 1)


def the_map_is_one_too_low(patch: Patch) -> None:
    latest = OffsetMap.latest
    patch.setattr(OffsetMap, "latest", lambda self, key: latest(self, key) - 1)


def a_full_map_counts_as_whole(patch: Patch) -> None:
    note = Compaction.note_keys

    def to_the_end(self: Compaction) -> Any:
        yield from note(self)
        self._offsets.latest_offset = self._span.end - 1

    patch.setattr(Compaction, "note_keys", to_the_end)


def aborted_records_stay(patch: Patch) -> None:
    meet_data = CleanedTransactions.meet_data

    def committed(self: CleanedTransactions, header: BatchHeader) -> bool:
        meet_data(self, header)
        return False

    patch.setattr(CleanedTransactions, "meet_data", committed)


def aborted_records_supersede(patch: Patch) -> None:
    note = Compaction.note_keys

    def blindly(self: Compaction) -> Any:
        with pytest.MonkeyPatch.context() as within:
            aborted_records_stay(within)
            return iter(list(note(self)))

    patch.setattr(Compaction, "note_keys", blindly)


def transactions_end_with_their_segment(patch: Patch) -> None:
    rewrite = Compaction.rewrite

    def forgetful(self: Compaction, group: compaction.Group) -> Any:
        self._transactions = CleanedTransactions()
        return rewrite(self, group)

    patch.setattr(Compaction, "rewrite", forgetful)


def a_producer_is_forgotten(patch: Patch) -> None:
    patch.setattr(Compaction, "_is_last_of_producer", lambda *_: False)


def the_last_offset_shrinks(patch: Patch) -> None:
    encode = compaction_batches._encode

    def renumbered(header: BatchHeader, *rest: Any) -> bytes:
        count = rest[-2]
        return encode(header._replace(last_offset_delta=max(0, count - 1)), *rest)

    patch.setattr(compaction_batches, "_encode", renumbered)


def the_timestamps_are_not_rewritten(patch: Patch) -> None:
    patch.setattr(compaction, "restamp", lambda data, run, *_: data[slice(*run)])


def the_swap_is_not_flushed(patch: Patch) -> None:
    async def nothing(*_: Any) -> None:
        """The fsync left out."""

    patch.setattr(SwappableLog, "make_durable", nothing)


def the_old_goes_before_the_new_is_there(patch: Patch) -> None:
    def wrong_order(self: SwappableLog, old: Sequence[Segment], cleaned: CleanedSegment) -> Segment:
        segments, disk = self._segments, self._disk
        at = segments.all.index(old[0])
        segment = Segment(disk, self.directory, cleaned.base_offset, cleaned.size, 0)
        segment.has_transaction_index = cleaned.has_transaction_index
        cleaned.close()
        self._delete(list(old))
        for suffix in cleaned.suffixes():
            disk.rename(cleaned.path(suffix), segment.path(suffix))
        self._use([*segments.all[:at], segment, *segments.all[at + len(old) :]])
        return segment

    patch.setattr(SwappableLog, "replace_segments", wrong_order)


def the_swap_name_is_left_out(patch: Patch) -> None:
    """`.cleaned` becomes `.log` directly, before the old segments are gone."""

    def direct(self: SwappableLog, old: Sequence[Segment], cleaned: CleanedSegment) -> Segment:
        segments, disk = self._segments, self._disk
        at = segments.all.index(old[0])
        segment = Segment(disk, self.directory, cleaned.base_offset, cleaned.size, 0)
        segment.has_transaction_index = cleaned.has_transaction_index
        cleaned.close()
        for suffix in cleaned.suffixes():
            disk.rename(cleaned.path(suffix), segment.path(suffix))
        self._delete([one for one in old if one.base_offset != segment.base_offset])
        self._use([*segments.all[:at], segment, *segments.all[at + len(old) :]])
        return segment

    assert SWAP_SUFFIX
    patch.setattr(SwappableLog, "replace_segments", direct)


MUTANTS: tuple[Callable[[Patch], None], ...] = (
    a_marker_goes_at_once,
    a_marker_goes_while_its_data_is_there,
    a_tombstone_goes_at_once,
    the_horizon_is_now,
    the_map_is_one_too_high,
    the_map_is_one_too_low,
    a_full_map_counts_as_whole,
    aborted_records_stay,
    aborted_records_supersede,
    transactions_end_with_their_segment,
    a_producer_is_forgotten,
    the_last_offset_shrinks,
    the_timestamps_are_not_rewritten,
    the_swap_is_not_flushed,
    the_old_goes_before_the_new_is_there,
    the_swap_name_is_left_out,
)


def stories_until_one_fails() -> int | None:
    """How many random lives it took; None if all of them passed."""
    with asyncio.Runner() as runner:
        for number in range(STORIES_MAX):
            try:
                runner.run(story(Random(number)))
            except (AssertionError, CorruptLogError):
                return number + 1
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_planted_bug_is_found(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    monkeypatch.setattr(logging.getLogger("minikafka.log"), "disabled", True)
    mutant(monkeypatch)
    assert stories_until_one_fails() is not None, "no test has noticed"
