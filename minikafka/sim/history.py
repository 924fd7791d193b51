"""What clients did and were told, and the promises that follow from it.

Values are unique, so a value is found again wherever it is. `violations` are broken promises, each
a sentence.
"""

from collections.abc import Callable
from typing import NamedTuple


class Sent(NamedTuple):
    """A value on its way: by which life of which producer, to which partition."""

    producer: str
    partition: int


class Place(NamedTuple):
    """Where a record is."""

    partition: int
    offset: int


class History:
    """One scenario's. `at_risk` are values that a loss of power was allowed to take."""

    def __init__(self, note: Callable[..., None]) -> None:
        self.sent: dict[bytes, Sent] = {}
        self.acknowledged: dict[bytes, Place] = {}
        self.read: dict[Place, bytes] = {}
        self.at_risk: set[bytes] = set()
        self.violations: list[str] = []
        self._note = note

    def send(self, value: bytes, producer: str, partition: int) -> None:
        """A producer begins to send."""
        self.sent[value] = Sent(producer, partition)

    def acknowledge(self, value: bytes, place: Place) -> None:
        """The broker has said that it is there."""
        self._note("acknowledged", name_of(value), *place)
        self.acknowledged[value] = place
        self._require(place.partition == self.sent[value].partition, f"{name_of(value)} at {place}")

    def see(self, place: Place, value: bytes) -> None:
        """A consumer has read it."""
        self._note("read", name_of(value), *place)
        self._require(value in self.sent, f"{place} holds {value[:40]!r}, which nobody has sent")
        before = self.read.get(place, value)
        self._require(
            before == value or before in self.at_risk,
            f"{place} held {name_of(before)} and holds {name_of(value)}",
        )
        self.read[place] = value

    def violate(self, sentence: str) -> None:
        """A promise is broken."""
        self._note("violation", sentence)
        self.violations.append(sentence)

    def judge(self, found: dict[Place, bytes]) -> None:
        """Compare everything with what the log holds in the end."""
        places: dict[bytes, Place] = {}
        for place, value in found.items():
            name = name_of(value)
            self._require(value in self.sent, f"{place} holds {name}, which nobody has sent")
            self._require(value not in places, f"{name} is at {places.get(value)} and at {place}")
            places[value] = place
        for value, place in self.acknowledged.items():
            kept = found.get(place) == value or value in self.at_risk
            self._require(kept, f"{name_of(value)}, acknowledged at {place}, is lost")
        for place, value in self.read.items():
            kept = found.get(place) == value or value in self.at_risk
            self._require(kept, f"{name_of(value)}, read at {place}, is lost")
        self._judge_order(found)

    def _judge_order(self, found: dict[Place, bytes]) -> None:
        """Of one producer, a partition holds what was sent in the order in which it was sent."""
        numbers = {value: number for number, value in enumerate(self.sent)}
        last: dict[Sent, int] = {}
        for place in sorted(found):
            value = found[place]
            sent = self.sent.get(value)
            if sent is not None:
                in_order = numbers[value] > last.get(sent, -1)
                self._require(in_order, f"{name_of(value)} at {place} is out of order")
                last[sent] = numbers[value]

    def _require(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.violate(sentence)


def name_of(value: bytes) -> str:
    """The readable part of a value."""
    return value.partition(b" ")[0][:40].decode("ascii", "replace")
