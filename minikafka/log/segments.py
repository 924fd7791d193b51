"""The segments of one log in order: which one holds an offset, and when the active one is full."""

from bisect import bisect_right
from random import Random

from minikafka.log.indexes import OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES
from minikafka.log.segment import ROLL_UNKNOWN, Segment
from minikafka.records.batch import BatchHeader
from minikafka.settings.topic import TopicSettings

_RECENT = 4
"""Sealed segments of one log whose indexes stay in memory after a read."""


class Segments:
    """At least one segment; `all` ascending by base offset, `bases` those, `active` the last.

    `segment_bytes` and `index_interval_bytes` are the topic's, for the append path.
    """

    __slots__ = (
        "_random",
        "_recent",
        "_settings",
        "active",
        "all",
        "bases",
        "index_interval_bytes",
        "segment_bytes",
    )

    def __init__(
        self, segments: list[Segment], settings: TopicSettings, random: Random | None
    ) -> None:
        self._random = random
        self._recent: list[Segment] = []
        self.use(segments)
        self.configure(settings)

    def use(self, segments: list[Segment]) -> None:
        """Take over another list of segments."""
        self.all = segments
        self.bases = [segment.base_offset for segment in segments]
        self.active = segments[-1]
        self._recent = [segment for segment in self._recent if segment in segments]

    def configure(self, settings: TopicSettings) -> None:
        """Roll by these settings from the next append on."""
        self._settings = settings
        self.segment_bytes = settings.segment_bytes
        self.index_interval_bytes = settings.index_interval_bytes
        self.active.roll_at = ROLL_UNKNOWN

    def floor(self, offset: int) -> int:
        """Index of the segment that holds `offset`, the first one's for what lies before it."""
        return max(0, bisect_right(self.bases, offset) - 1)

    def from_offset(self, offset: int) -> list[Segment]:
        """The segment that holds `offset` and all behind it."""
        return self.all[self.floor(offset) :]

    def at(self, offset: int) -> Segment:
        """The segment that holds `offset`; only a few old ones keep their indexes in memory."""
        segment = self.all[bisect_right(self.bases, offset) - 1]
        recent = self._recent
        if segment is not self.active and segment not in recent:
            recent.append(segment)
            if len(recent) > _RECENT:
                recent.pop(0).forget_indexes()
        return segment

    def after(self, segment: Segment) -> Segment | None:
        """The next segment."""
        at = bisect_right(self.bases, segment.base_offset)
        return self.all[at] if at < len(self.all) else None

    # -- rolling ----------------------------------------------------------------------------------

    def has_room(self, header: BatchHeader, last_offset: int, size: int, wall_ms: int) -> bool:
        """Whether `size` bytes up to `last_offset` surely fit; False asks for `is_roll_due`."""
        segment = self.active
        return (
            segment.size + size <= self.segment_bytes
            and last_offset <= segment.last_offset_limit
            and (header.max_timestamp if segment.first_timestamp >= 0 else wall_ms)
            <= segment.roll_at
        )

    def is_roll_due(self, header: BatchHeader, last_offset: int, size: int, wall_ms: int) -> bool:
        """Whether the batch needs a new segment: bytes, age, a full index, a too distant offset.

        An empty segment has room for any batch whose offset it can express.
        """
        active = self.active
        if not active.size:
            return last_offset > active.last_offset_limit
        if active.roll_at == ROLL_UNKNOWN:
            active.prepare()
            self.work_out_limits(active.first_timestamp)
        return not self.has_room(header, last_offset, size, wall_ms)

    def work_out_limits(self, first_timestamp: int) -> None:
        """Set from when on the active segment is too old, and when its indexes are full.

        Age counts from the first batch's timestamp, or from the segment's creation if that has
        none; `segment.jitter.ms` makes partitions that were created together roll apart.
        """
        segment, settings = self.active, self._settings
        jitter_ms, segment_ms = 0, settings.segment_ms
        if "compact" in settings.cleanup_policy:
            # What is in the active segment cannot be compacted.
            segment_ms = min(segment_ms, settings.max_compaction_lag_ms)
        if settings.segment_jitter_ms and self._random is not None:
            longest = min(settings.segment_jitter_ms, segment_ms)
            jitter_ms = int(self._random.random() * longest)
        began = first_timestamp if first_timestamp >= 0 else segment.created_ms
        segment.first_timestamp = first_timestamp
        segment.roll_at = began + segment_ms - jitter_ms
        index_bytes = settings.segment_index_bytes
        segment.index_entries_max = max(
            1, min(index_bytes // OFFSET_ENTRY_BYTES, index_bytes // TIME_ENTRY_BYTES - 1)
        )
