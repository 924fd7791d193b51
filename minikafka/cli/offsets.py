"""`-o` of `consume`: words for offsets, and what they mean in a partition."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from minikafka.cli.exits import UsageError
from minikafka_client import Consumer, TopicPartition

BEGINNING: Final = "beginning"
END: Final = "end"
STORED: Final = "stored"
_WORDS: Final = {
    "beginning": BEGINNING,
    "earliest": BEGINNING,
    "start": BEGINNING,
    "end": END,
    "latest": END,
    "stored": STORED,
}


class Range(NamedTuple):
    """Where to start: a word, an offset (negative: from the end), or a time; where to stop."""

    word: str | None = None
    offset: int | None = None
    from_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_said(self) -> bool:
        """Whether a start was given."""
        return (self.word, self.offset, self.from_ms) != (None, None, None)


def parse_range(words: Iterable[str]) -> Range:
    """All words of `-o` together. UsageError."""
    found = Range()
    for word in words:
        if re.fullmatch(r"e@\d+", word) and found.until_ms is None:
            found = found._replace(until_ms=int(word[2:]))
        elif found.is_said:
            raise UsageError(f"-o {word}: there is a start already")
        elif word in _WORDS:
            found = found._replace(word=_WORDS[word])
        elif re.fullmatch(r"s@\d+", word):
            found = found._replace(from_ms=int(word[2:]))
        elif re.fullmatch(r"-?\d+", word):
            found = found._replace(offset=int(word))
        else:
            raise UsageError(f"-o {word}: beginning, end, stored, N, -N, s@MS or e@MS")
    return found


async def starts(
    consumer: Consumer, places: Iterable[TopicPartition], wanted: Range, reset: str
) -> dict[TopicPartition, int]:
    """The first offset to read in each partition. `reset`: earliest or latest, without a better."""
    places = list(places)
    first = await consumer.beginning_offsets(places)
    end = await consumer.end_offsets(places)
    if wanted.word == STORED:
        stored = await consumer.committed(places)
        return {
            each: stored.get(each, (first if reset == "earliest" else end)[each]) for each in places
        }
    if wanted.from_ms is not None:
        return await _at_time(consumer, places, wanted.from_ms, end)
    if wanted.offset is not None and wanted.offset < 0:
        return {each: max(first[each], end[each] + wanted.offset) for each in places}
    if wanted.offset is not None:
        return dict.fromkeys(places, wanted.offset)
    return end if wanted.word == END else first


async def stops(
    consumer: Consumer, places: Iterable[TopicPartition], wanted: Range
) -> dict[TopicPartition, int]:
    """The first offset not to read in each partition: where it ends now, or the time of `e@`."""
    places = list(places)
    end = await consumer.end_offsets(places)
    if wanted.until_ms is None:
        return end
    return await _at_time(consumer, places, wanted.until_ms, end)


async def _at_time(
    consumer: Consumer,
    places: list[TopicPartition],
    time_ms: int,
    end: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    found = await consumer.offsets_for_times(dict.fromkeys(places, time_ms))
    return {each: found[each].offset if found[each].offset >= 0 else end[each] for each in places}
