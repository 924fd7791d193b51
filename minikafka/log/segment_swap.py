"""Putting a compacted segment into the place of those it was made from, whole at every moment.

    .log.cleaned        being written; after a crash it is removed
    .log.swap           complete and durable: after a crash it replaces what it was made from
    .log                and the old files are `.deleted`

The content is flushed before the first rename. The renames follow each other without a pause, so
nobody reads between them; a crash leaves a first part of them, for directories keep the order of
what happens in them. `.log` is renamed last each time: with it the other files count. Kafka uses
the same names in the same order, so either finishes what the other began (`recovery`).
"""

from collections.abc import Sequence

from minikafka.log.producer_snapshots import ProducerSnapshots
from minikafka.log.reading import ReadableLog
from minikafka.log.segment import (
    INDEX_SUFFIX,
    LOG_SUFFIX,
    TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    Segment,
)
from minikafka.runtime.disk import Disk

CLEANED_SUFFIX = ".cleaned"
SWAP_SUFFIX = ".swap"


class CleanedSegment(Segment):
    """A segment that compaction is writing."""

    __slots__ = ()

    @classmethod
    def begin(cls, disk: Disk, directory: str, first: Segment) -> "CleanedSegment":
        """An empty one that is to begin where `first` does."""
        made = cls.create(disk, directory, first.base_offset, first.created_ms)
        assert isinstance(made, cls), "made by a class method of this class"
        return made

    def path(self, suffix: str) -> str:
        """The path of one of its files, while it is being written."""
        return super().path(suffix) + CLEANED_SUFFIX

    def suffixes(self) -> list[str]:
        """Of the files that it consists of, `.log` last."""
        transactions = [TRANSACTION_INDEX_SUFFIX] if self.has_transaction_index else []
        return [INDEX_SUFFIX, TIME_INDEX_SUFFIX, *transactions, LOG_SUFFIX]


class SwappableLog(ReadableLog):
    """A log whose sealed segments may be replaced by others that speak of the same offsets."""

    __slots__ = ()

    directory: str
    _cuts: int
    _disk: Disk
    _snapshots: ProducerSnapshots

    @property
    def cut_count(self) -> int:
        """How often the end was cut: what was read of sealed segments before is void."""
        return self._cuts

    @property
    def segments(self) -> Sequence[Segment]:
        """All segments, ascending; the last is the active one."""
        return self._segments.all

    async def make_durable(self, cleaned: CleanedSegment) -> None:
        """Flush what `replace_segments` is about to put into the log."""
        await cleaned.file.fsync()
        await self._disk.sync_paths([cleaned.path(suffix) for suffix in cleaned.suffixes()])

    def replace_segments(self, old: Sequence[Segment], cleaned: CleanedSegment) -> Segment:
        """Let the durable `cleaned` take the place of `old`, consecutive sealed segments.

        Returns the new segment. The names are durable after `fsync_dir` of the directory.
        """
        segments = self._segments
        at = segments.all.index(old[0])
        assert segments.all[at : at + len(old)] == list(old), "segments that follow each other"
        assert segments.active is not old[-1], "the active segment is never replaced"
        segment = Segment(
            self._disk, self.directory, cleaned.base_offset, cleaned.size, cleaned.created_ms
        )
        segment.has_transaction_index = cleaned.has_transaction_index
        segment.indexes_written = True
        cleaned.close()
        suffixes = cleaned.suffixes()
        for suffix in suffixes:
            self._disk.rename(cleaned.path(suffix), segment.path(suffix) + SWAP_SUFFIX)
        self._delete(list(old))
        for suffix in suffixes:
            self._disk.rename(segment.path(suffix) + SWAP_SUFFIX, segment.path(suffix))
        self._use([*segments.all[:at], segment, *segments.all[at + len(old) :]])
        self._snapshots.keep_only(segments.bases)
        return segment

    def _use(self, segments: list[Segment]) -> None:
        raise NotImplementedError

    def _delete(self, segments: list[Segment]) -> None:
        raise NotImplementedError
