"""How a group's leader shares partitions among the members: Kafka's four assignors, as functions.

Each takes the members' subscriptions and the partition counts, and returns the partitions of every
member. `sticky` and `cooperative-sticky` give nearly equal shares and leave with a member what it
owns as far as that allows; the cooperative one takes a partition away in one rebalance and gives it
to another member only in the next (KIP-429), so that nobody has to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from minikafka_client.fetched import TopicPartition


class Subscription(NamedTuple):
    """What a member has told when it joined. `generation` is that in which it got what it owns."""

    topics: Sequence[str]
    owned: Sequence[TopicPartition] = ()
    generation: int = -1
    instance_id: str | None = None


Members = Mapping[str, Subscription]
Counts = Mapping[str, int]
Assignment = dict[str, list[TopicPartition]]


def assign_range(members: Members, counts: Counts) -> Assignment:
    """Of each topic, consecutive partitions to each member; the first get one more."""
    found: Assignment = {member: [] for member in members}
    for topic in sorted(counts):
        takers = [each for each in _in_order(members) if topic in members[each].topics]
        if not takers:
            continue
        share, extra = divmod(counts[topic], len(takers))
        start = 0
        for index, member in enumerate(takers):
            stop = start + share + (index < extra)
            found[member] += [TopicPartition(topic, number) for number in range(start, stop)]
            start = stop
    return found


def assign_round_robin(members: Members, counts: Counts) -> Assignment:
    """All partitions one by one to the members in turn."""
    found: Assignment = {member: [] for member in members}
    order = _in_order(members)
    at = 0
    for place in _places(counts):
        for step in range(len(order)):
            member = order[(at + step) % len(order)]
            if place.topic in members[member].topics:
                found[member].append(place)
                at = (at + step + 1) % len(order)
                break
    return found


def assign_sticky(members: Members, counts: Counts) -> Assignment:
    """Nearly equal shares; members keep what they own as far as that allows."""
    places = _places(counts)
    found: Assignment = {member: [] for member in members}
    taken: dict[TopicPartition, str] = {}
    # A member of an earlier generation may claim what was given to another one since.
    for member in sorted(_in_order(members), key=lambda each: -members[each].generation):
        subscription = members[member]
        for place in subscription.owned:
            known = place.partition < counts.get(place.topic, 0)
            if known and place.topic in subscription.topics and place not in taken:
                taken[place] = member
                found[member].append(place)
    for place in places:
        if place not in taken:
            takers = [each for each in _in_order(members) if place.topic in members[each].topics]
            if takers:
                found[min(takers, key=lambda each: len(found[each]))].append(place)
    _balance(members, found)
    return found


def assign_cooperative(members: Members, counts: Counts) -> Assignment:
    """As `assign_sticky`, but what another member still owns is given to nobody yet."""
    found = assign_sticky(members, counts)
    newest = max((each.generation for each in members.values()), default=-1)
    owners = {
        place: member
        for member, subscription in members.items()
        if subscription.generation == newest
        for place in subscription.owned
    }
    return {
        member: [place for place in places if owners.get(place, member) == member]
        for member, places in found.items()
    }


def _balance(members: Members, found: Assignment) -> None:
    """Move single partitions from who has two more to who has fewer, while that is possible."""
    moved = True
    while moved:
        moved = False
        for member in sorted(_in_order(members), key=lambda each: len(found[each])):
            topics = members[member].topics
            for giver in sorted(_in_order(members), key=lambda each: -len(found[each])):
                if len(found[giver]) - len(found[member]) < 2:
                    break
                giveable = [place for place in found[giver] if place.topic in topics]
                if giveable:
                    found[giver].remove(giveable[-1])
                    found[member].append(giveable[-1])
                    moved = True
                    break


def _in_order(members: Members) -> list[str]:
    """Members by instance id (static ones keep their place across restarts), then by id."""
    return sorted(members, key=lambda each: (members[each].instance_id or "\uffff", each))


def _places(counts: Counts) -> list[TopicPartition]:
    return [
        TopicPartition(topic, number) for topic in sorted(counts) for number in range(counts[topic])
    ]


ASSIGNORS: Final[Mapping[str, Callable[[Members, Counts], Assignment]]] = {
    "range": assign_range,
    "roundrobin": assign_round_robin,
    "sticky": assign_sticky,
    "cooperative-sticky": assign_cooperative,
}
