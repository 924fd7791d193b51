"""Which of the acknowledged records are lost, doubled or out of order: arithmetic, nothing else.

A writer numbers its records 0, 1, 2 … in each partition and produces them in this order. So what a
partition holds of a writer must be that row, no more and no less.
"""

from array import array
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

Row = tuple[str, int]  # Writer and partition.


class Verdict(NamedTuple):
    records: int
    lost: int
    doubled: int
    out_of_order: int
    unknown: int
    examples: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.unknown)

    def __str__(self) -> str:
        counts = f"{self.records} records: {self.lost} lost, {self.doubled} doubled, "
        counts += f"{self.out_of_order} out of order, {self.unknown} that nobody wrote"
        return "\n".join((counts, *self.examples))


class Ledger:
    """What has been read so far, row by row."""

    def __init__(self) -> None:
        self._read: dict[Row, array[int]] = defaultdict(lambda: array("I"))

    def take(self, writer: str, partition: int, number: int) -> None:
        """The next record of a partition."""
        self._read[writer, partition].append(number)

    def judge(self, acknowledged: Mapping[Row, int]) -> Verdict:
        """Compare with how many records of each row were acknowledged."""
        lost = doubled = out_of_order = unknown = 0
        examples: list[str] = []
        for row in sorted(acknowledged.keys() | self._read.keys()):
            numbers = self._read[row]
            count = acknowledged.get(row, 0)
            found = set(numbers)
            missing = sorted(set(range(count)) - found)
            backwards = [(before, after) for before, after in pairwise(numbers) if after < before]
            lost += len(missing)
            doubled += len(numbers) - len(found)
            out_of_order += len(backwards)
            unknown += sum(number >= count for number in found)
            if missing:
                examples.append(f"{row}: lost {_shown(missing)}")
            if len(numbers) > len(found):
                examples.append(f"{row}: {len(numbers)} records, {len(found)} of them different")
            if backwards:
                examples.append(f"{row}: goes back from and to {_shown(backwards)}")
        total = sum(map(len, self._read.values()))
        return Verdict(total, lost, doubled, out_of_order, unknown, tuple(examples))


def _shown(values: list[int] | list[tuple[int, int]]) -> str:
    more = f" and {len(values) - 5} more" if len(values) > 5 else ""
    return f"{values[:5]}{more}"
