"""What clients did and were told, and what follows from it.

Values are unique, so a value is found again wherever it is. `PartitionTruth` knows what is
committed: an answer is compared with it when it arrives, and everything once more in the end.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from minikafka.metadata.image import MetadataImage
from minikafka.sim.cluster.partition_truth import PartitionTruth
from minikafka.sim.cluster.verdict import Verdict
from minikafka.sim.history import name_of

LOST: Final = "no acknowledged record is lost"
SERVED: Final = "a served record never disappears or changes"
ORDER: Final = "records keep their producer's order, each once"
OFFSETS: Final = "the end of a log is told when it is known"
CREATED: Final = "what the controller answers is committed"
GROUPS: Final = "committed offsets are never lost"


class Sent(NamedTuple):
    """A value on its way. `careful` is acks=all and idempotent."""

    producer: str
    topic: str
    partition: int
    careful: bool
    number: int


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


Partition = tuple[str, int]


class Ledger:
    """One world's."""

    def __init__(
        self,
        image: MetadataImage,
        truth: PartitionTruth,
        verdict: Verdict,
        note: Callable[..., None],
    ) -> None:
        self.sent: dict[bytes, Sent] = {}
        self.acknowledged: dict[bytes, Place] = {}
        self.read: dict[Place, bytes] = {}
        self.offsets: dict[tuple[str, Partition], int] = {}
        self._deleted: dict[Partition, int] = {}
        self._image = image
        self._truth = truth
        self._verdict = verdict
        self._note = note

    def may_be_lost(self, value: bytes, place: Place) -> bool:
        """Whether Kafka may have lost what was there."""
        topic = self._image.topics.get(place.topic)
        key = None if topic is None else (topic.topic_id, place.partition)
        return (key, place.offset, value) in self._truth.lost

    def may_be_gone(self, value: bytes, place: Place) -> bool:
        """Whether it need not be there any more: lost, or deleted as somebody wished."""
        deleted = self._deleted.get((place.topic, place.partition), 0)
        return place.offset < deleted or self.may_be_lost(value, place)

    @property
    def all_may_be_gone(self) -> bool:
        """Whether nothing that was acknowledged has to be there any more."""
        acknowledged = self.acknowledged
        return bool(acknowledged) and all(
            self.may_be_gone(value, place) for value, place in acknowledged.items()
        )

    def send(self, value: bytes, producer: str, place: Partition, *, careful: bool) -> None:
        """A producer begins to send."""
        self.sent[value] = Sent(producer, *place, careful, len(self.sent))

    def acknowledge(self, value: bytes, place: Place) -> None:
        """A broker has said that it is there."""
        self._note("acknowledged", name_of(value), *place)
        self.acknowledged[value] = place
        sent = self.sent[value]
        if sent.careful:
            self._require_committed(LOST, value, place, "acknowledged")

    def see(self, place: Place, value: bytes) -> None:
        """A consumer has read it."""
        self._note("read", name_of(value), *place)
        self._verdict.require(
            value in self.sent, SERVED, f"{place}: nobody has sent {value[:40]!r}"
        )
        before = self.read.get(place, value)
        self._verdict.require(
            before == value or self.may_be_lost(before, place),
            SERVED,
            f"{place} held {name_of(before)} and holds {name_of(value)}",
        )
        self.read[place] = value
        self._require_committed(SERVED, value, place, "read")

    def _require_committed(self, checker: str, value: bytes, place: Place, verb: str) -> None:
        topic = self._image.topics.get(place.topic)
        if topic is None or self.may_be_lost(value, place):
            return
        found = self._truth.log((topic.topic_id, place.partition)).values.get(place.offset)
        there = "nothing" if found is None else name_of(found)
        sentence = f"{name_of(value)} is {verb} at {place}, where {there} is committed"
        self._verdict.require(found == value, checker, sentence)

    def created(self, topic: str) -> None:
        """The controller has said that a topic is there."""
        known = topic in self._image.topics
        self._verdict.require(known, CREATED, f"{topic} is created, and that is not committed")

    # -- the ends of logs -------------------------------------------------------------------------

    def ends(self, partition: Partition) -> dict[int, int]:
        """By leader epoch the largest high watermark that any node has had."""
        topic = self._image.topics.get(partition[0])
        if topic is None:
            return {}
        return dict(self._truth.log((topic.topic_id, partition[1])).high_watermarks)

    def told_end(
        self, partition: Partition, epoch: int, end: int, before: Mapping[int, int]
    ) -> None:
        """ListOffsets has answered; `before` was known when it was asked. In a leader epoch an end
        is told when it reaches those of all epochs before."""
        self._note("end", *partition, epoch, end)
        topic = self._image.topics.get(partition[0])
        if topic is None:
            return
        log = self._truth.log((topic.topic_id, partition[1]))
        at_least = max((known for of, known in before.items() if of <= epoch), default=0)
        sentence = f"{partition} ends at {end} in epoch {epoch}, and had ended at {at_least}"
        self._verdict.require(end >= at_least or log.was_at_risk, OFFSETS, sentence)

    def delete(self, partition: Partition, before: int) -> None:
        """Somebody is about to ask that the records before an offset be deleted."""
        self._deleted[partition] = max(before, self._deleted.get(partition, 0))

    # -- groups -----------------------------------------------------------------------------------

    def commit(self, group: str, partition: Partition, offset: int) -> None:
        """A coordinator has said that a group's offset is stored."""
        self._note("offset", group, *partition, offset)
        key = (group, partition)
        self.offsets[key] = max(offset, self.offsets.get(key, 0))

    def judge_offsets(self, group: str, found: Mapping[Partition, int]) -> None:
        """Compare with what the coordinator has in the end."""
        for (of, partition), offset in self.offsets.items():
            if of != group or self._offsets_may_be_lost() or self._was_at_risk(*partition):
                continue
            sentence = f"{group} had {offset} of {partition}, and has {found.get(partition)}"
            self._verdict.require(found.get(partition, -1) >= offset, GROUPS, sentence)

    def _was_at_risk(self, name: str, index: int) -> bool:
        """Whether records may be gone, so that members went back behind what was committed."""
        topic = self._image.topics.get(name)
        return topic is not None and self._truth.log((topic.topic_id, index)).was_at_risk

    def _offsets_may_be_lost(self) -> bool:
        topic = self._image.topics.get("__consumer_offsets")
        return topic is not None and any(
            self._truth.log((topic.topic_id, index)).was_at_risk for index in topic.partitions
        )

    # -- in the end -------------------------------------------------------------------------------

    def judge(self, topic: str, found: dict[Place, bytes]) -> None:
        """Compare everything with what a topic's logs hold in the end."""
        verdict = self._verdict
        places: dict[bytes, Place] = {}
        for place, value in found.items():
            name, sent = name_of(value), self.sent.get(value)
            verdict.require(sent is not None, ORDER, f"{place}: nobody has sent {name}")
            if sent is not None and sent.careful:
                twice = f"{name} is at {places.get(value)} and at {place}"
                verdict.require(value not in places, ORDER, twice)
            places[value] = place
        for value, place in self.acknowledged.items():
            careful = self.sent[value].careful and not self.may_be_gone(value, place)
            if place.topic == topic and careful:
                kept = found.get(place) == value
                verdict.require(kept, LOST, f"{name_of(value)}, acknowledged at {place}, is lost")
        for place, value in self.read.items():
            if place.topic == topic and not self.may_be_gone(value, place):
                kept = found.get(place) == value
                verdict.require(kept, SERVED, f"{name_of(value)}, read at {place}, is lost")
        self._judge_order(found)

    def _judge_order(self, found: dict[Place, bytes]) -> None:
        last: dict[tuple[str, Partition], int] = {}
        for place in sorted(found):
            value = found[place]
            sent = self.sent.get(value)
            if sent is None or not sent.careful:
                continue
            key = (sent.producer, (place.topic, place.partition))
            in_order = sent.number > last.get(key, -1)
            sentence = f"{name_of(value)} at {place} is out of order"
            self._verdict.require(in_order, ORDER, sentence)
            last[key] = sent.number
