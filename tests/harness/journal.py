"""What members of a group have processed and committed, and whether it adds up to the whole log.

A member keeps a journal, a file that outlives it. From the journals of all members `Span`s are
made: runs of consecutive offsets of one partition that one member processed under one assignment.
Up to where it committed, a span is done; what comes after is its *tail*, processed and not
committed, which is delivered to somebody again.

`tiles` puts the done parts of one partition together: each begins exactly where the one before it
ends. Nothing else is allowed, so a commit that was lost, or one that was never made, is found.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

ASSIGNED, RECORDS, ATTEMPT, COMMITTED, REFUSED = "assigned", "records", "attempt", "committed", "no"

_HEAD = re.compile(rb"r (\d+) (\d+) (\d+)\n|([atcx])((?: \d+ \d+)*)\n")
_KINDS = {b"a": ASSIGNED, b"t": ATTEMPT, b"c": COMMITTED, b"x": REFUSED}


def checksum(key: bytes, value: bytes) -> int:
    """What is noted of a record's content."""
    return crc32(value, crc32(key))


class Event(NamedTuple):
    """One thing that happened to a member.

    RECORDS: `checksums` of consecutive records of `partition` from `offset` on; ATTEMPT, COMMITTED:
    `offsets`, the next one to read by partition; ASSIGNED; REFUSED, which answers an attempt.
    """

    kind: str
    partition: int = -1
    offset: int = -1
    checksums: array[int] = array("I")
    offsets: Mapping[int, int] = {}


class Journal:
    """The writing side. What is not in the file before a commit is attempted was not processed."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115  # open while it lives
        self.pending: dict[int, int] = {}
        """The next offset of each partition with records that are processed and not committed."""

    def assigned(self) -> None:
        self.pending.clear()
        self._file.write(b"a\n")

    def process(self, records: Iterable[tuple[int, int, bytes, bytes]]) -> None:
        """Take records of (partition, offset, key, value)."""
        runs: list[tuple[int, int, array[int]]] = []
        running: dict[int, array[int]] = {}
        for partition, offset, key, value in records:
            if self.pending.get(partition) != offset or partition not in running:
                running[partition] = array("I")
                runs.append((partition, offset, running[partition]))
            running[partition].append(checksum(key, value))
            self.pending[partition] = offset + 1
        for partition, offset, checksums in runs:
            head = b"r %d %d %d\n" % (partition, offset, len(checksums))
            self._file.write(head + checksums.tobytes())

    def attempt(self) -> None:
        self._file.write(b"t%b\n" % self._offsets())

    def committed(self) -> None:
        self._file.write(b"c%b\n" % self._offsets())
        self.pending.clear()

    def refused(self) -> None:
        """The member lost its partitions before it could commit."""
        self.pending.clear()
        self._file.write(b"x\n")

    def _offsets(self) -> bytes:
        return b"".join(b" %d %d" % item for item in self.pending.items())


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a `Journal`; what its writer was about to write when it died is left out."""
    content = path.read_bytes()
    position = 0
    while (head := _HEAD.match(content, position)) is not None:
        position = head.end()
        if head[4] is not None:
            numbers = list(map(int, head[5].split()))
            offsets = dict(zip(numbers[::2], numbers[1::2], strict=True))
            yield Event(_KINDS[head[4]], offsets=offsets)
            continue
        partition, offset, count = map(int, head.groups()[:3])
        checksums = array("I")
        noted = content[position : position + count * checksums.itemsize]
        if len(noted) < count * checksums.itemsize:
            return
        checksums.frombytes(noted)
        position += len(noted)
        yield Event(RECORDS, partition, offset, checksums)


def as_text(decoded: str) -> bytes:
    """What is left of a decoded value without the characters that replace what is no UTF-8."""
    return decoded.replace("\ufffd", "").encode()


def read_verifiable(path: Path) -> Iterator[Event]:
    """The events that kafka-verifiable-consumer --verbose has printed.

    Checksums are of what is left by `as_text`, for it decodes keys and values.
    """
    with path.open("rb") as lines:
        told_lines = (line for line in lines if line.startswith(b"{") and line.endswith(b"}\n"))
        for told in map(json.loads, told_lines):
            if told["name"] == "partitions_assigned":
                yield Event(ASSIGNED)
            elif told["name"] == "record_data":
                value = as_text(told["value"])
                noted = array("I", [checksum(as_text(told["key"]), value)])
                yield Event(RECORDS, told["partition"], told["offset"], noted)
            elif told["name"] == "records_consumed":
                ends = {each["partition"]: each["maxOffset"] + 1 for each in told["partitions"]}
                yield Event(ATTEMPT, offsets=ends)
            elif told["name"] == "offsets_committed":
                ends = {each["partition"]: each["offset"] for each in told["offsets"]}
                yield Event(COMMITTED, offsets=ends) if told["success"] else Event(REFUSED)


class Span:
    """Records of one partition from `start` on, processed by one member under one assignment.

    `committed` is where it is known to have committed (at least `start`), `attempted` where it may
    have: the answer to its last commit never came.
    """

    def __init__(self, member: str, partition: int, start: int) -> None:
        self.member = member
        self.partition = partition
        self.start = start
        self.checksums = array("I")
        self.committed = start
        self.attempted: int | None = None

    @property
    def end(self) -> int:
        return self.start + len(self.checksums)

    def __repr__(self) -> str:
        attempted = "" if self.attempted is None else f", perhaps {self.attempted}"
        return f"{self.member}: {self.start}…{self.end} committed {self.committed}{attempted}"


def spans(member: str, events: Iterable[Event]) -> list[Span]:
    """The spans of one member's journal, in the order in which they began."""
    found: list[Span] = []
    running: dict[int, Span] = {}
    for event in events:
        if event.kind in (ASSIGNED, REFUSED):
            running.clear()
        elif event.kind == RECORDS:
            span = running.get(event.partition)
            if span is None or span.end != event.offset:
                span = running[event.partition] = Span(member, event.partition, event.offset)
                found.append(span)
            span.checksums.extend(event.checksums)
        else:
            for partition, offset in event.offsets.items():
                _commit(running.get(partition), event.kind, offset)
    return found


def _commit(span: Span | None, kind: str, offset: int) -> None:
    if span is None:
        return  # A commit of where it began, before it has read anything.
    assert offset <= span.end, f"{span} commits {offset}, which it has not processed"
    if kind == ATTEMPT:
        span.attempted = offset
    else:
        span.committed, span.attempted = offset, None


class TilingError(AssertionError):
    """The committed parts of a partition overlap, leave a gap, or do not reach its end."""


def tiles(of_partition: Iterable[Span], end_offset: int) -> array[int]:
    """Every record once, by the committed parts of the spans; raises TilingError.

    A commit whose answer its member did not live to see has happened if somebody went on from it.
    """
    by_start: dict[int, list[Span]] = {}
    for span in of_partition:
        by_start.setdefault(span.start, []).append(span)
    whole = array("I")
    passed = {end_offset}
    while (place := len(whole)) < end_offset:
        passed.add(place)
        here = by_start.get(place, [])
        begun = [span for span in here if span.committed > place]
        if not begun:
            begun = [span for span in here if _went_on(span, by_start, end_offset)]
        if len(begun) != 1:
            what = f"committed twice: {begun}" if begun else "committed by nobody"
            others = sorted(by_start)
            raise TilingError(f"{place} of {end_offset} is {what}; begun at {others}")
        (span,) = begun
        whole.extend(span.checksums[: _end_of_tile(span, by_start, end_offset) - place])
    strays = [span for start, here in by_start.items() if start not in passed for span in here]
    if strays:
        raise TilingError(f"begun where nobody had committed: {strays}")
    return whole


def _went_on(span: Span, by_start: Mapping[int, object], end_offset: int) -> bool:
    """Whether the commit that was not answered has happened: somebody began right there."""
    unknown = span.attempted
    return unknown is not None and (unknown in by_start or unknown == end_offset)


def _end_of_tile(span: Span, by_start: Mapping[int, object], end_offset: int) -> int:
    known = span.committed
    if known > span.start and (known in by_start or not _went_on(span, by_start, end_offset)):
        return known
    assert span.attempted is not None
    return span.attempted
