"""Which of the oldest segments may go (cleanup.policy=delete, and DeleteRecords).

Oldest first, stopping at the first that stays: a log has no holes. Never anything that the high
watermark has not passed. The active segment goes only if it holds something, and then an empty one
takes its place.
"""

from collections.abc import Callable, Sequence

from minikafka.log.segment import LOG_SUFFIX, Segment
from minikafka.runtime.disk import Disk
from minikafka.settings.topic import TopicSettings


def deletable_count(
    segments: Sequence[Segment],
    *,
    disk: Disk,
    settings: TopicSettings,
    log_start_offset: int,
    log_end_offset: int,
    high_watermark: int,
    wall_ms: int,
) -> int:
    """How many segments, counted from the oldest, are to be deleted.

    In Kafka's order: those wholly below the log start offset (whatever the cleanup policy), then by
    `retention.bytes`, then by `retention.ms`.
    """
    ends = [segment.base_offset for segment in segments[1:]] + [log_end_offset]

    def oldest(count: int, may_go: Callable[[Segment, int], bool]) -> int:
        while count < len(segments):
            segment, end = segments[count], ends[count]
            is_empty_active = count == len(segments) - 1 and segment.size == 0
            if is_empty_active or end > high_watermark or not may_go(segment, end):
                break
            count += 1
        return count

    def below_log_start(segment: Segment, end: int) -> bool:
        return segment is not segments[-1] and end <= log_start_offset

    count = oldest(0, below_log_start)
    if "delete" not in settings.cleanup_policy:
        return count
    if settings.retention_bytes >= 0:
        surplus = sum(segment.size for segment in segments[count:]) - settings.retention_bytes

        def beyond_size(segment: Segment, end: int) -> bool:
            nonlocal surplus
            surplus -= segment.size
            return surplus >= 0

        count = oldest(count, beyond_size)
    if settings.retention_ms >= 0:

        def too_old(segment: Segment, end: int) -> bool:
            return wall_ms - largest_timestamp(disk, segment) > settings.retention_ms

        count = oldest(count, too_old)
    return count


def largest_timestamp(disk: Disk, segment: Segment) -> int:
    """The newest timestamp in a segment; when no record has one, the file's modification time."""
    segment.prepare()
    if segment.largest.timestamp >= 0:
        return segment.largest.timestamp
    return disk.stat(segment.path(LOG_SUFFIX)).modified_ms
