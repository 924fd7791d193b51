"""The four ways to share partitions, as values in and out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka_client.assignors import (
    ASSIGNORS,
    Subscription,
    assign_cooperative,
    assign_range,
    assign_round_robin,
    assign_sticky,
)
from minikafka_client.fetched import TopicPartition


def places(text: str) -> list[TopicPartition]:
    return [TopicPartition(each[0], int(each[1])) for each in text.split()]


def test_range_gives_consecutive_partitions_of_each_topic() -> None:
    members = {"m1": Subscription(["a", "b"]), "m2": Subscription(["a"])}
    assert assign_range(members, {"a": 3, "b": 2}) == {
        "m1": places("a0 a1 b0 b1"),
        "m2": places("a2"),
    }


def test_round_robin_deals() -> None:
    members = {"m1": Subscription(["a", "b"]), "m2": Subscription(["a", "b"])}
    assert assign_round_robin(members, {"a": 3, "b": 2}) == {
        "m1": places("a0 a2 b1"),
        "m2": places("a1 b0"),
    }


def test_static_members_come_first_by_instance() -> None:
    members = {
        "m1": Subscription(["a"], instance_id="z"),
        "m2": Subscription(["a"], instance_id="b"),
    }
    assert assign_range(members, {"a": 2}) == {"m1": places("a1"), "m2": places("a0")}


def test_sticky_keeps_what_it_can() -> None:
    members = {
        "m1": Subscription(["a"], places("a0 a1 a2 a3"), 1),
        "m2": Subscription(["a"]),
    }
    shared = assign_sticky(members, {"a": 4})
    assert shared == {"m1": places("a0 a1"), "m2": places("a3 a2")}


def test_the_newer_generation_owns() -> None:
    members = {
        "m1": Subscription(["a"], places("a0"), 1),
        "m2": Subscription(["a"], places("a0"), 2),
    }
    assert assign_sticky(members, {"a": 1}) == {"m1": [], "m2": places("a0")}


def test_cooperative_moves_in_two_steps() -> None:
    members = {
        "m1": Subscription(["a"], places("a0 a1 a2 a3"), 1),
        "m2": Subscription(["a"]),
    }
    first = assign_cooperative(members, {"a": 4})
    assert first == {"m1": places("a0 a1"), "m2": []}
    then = {"m1": Subscription(["a"], first["m1"], 2), "m2": Subscription(["a"], (), 2)}
    assert assign_cooperative(then, {"a": 4}) == {"m1": places("a0 a1"), "m2": places("a2 a3")}


@pytest.mark.parametrize("name", ASSIGNORS)
@given(data=st.data())
@settings(deadline=None)  # of wall time, of which a busy machine has little
def test_nobody_shares_a_partition_or_gets_what_it_did_not_ask_for(
    name: str, data: st.DataObject
) -> None:
    counts = data.draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 6)))
    topics = st.lists(st.sampled_from("abc"), unique=True)
    owned = st.lists(st.builds(TopicPartition, st.sampled_from("abc"), st.integers(0, 7)))
    subscription = st.builds(Subscription, topics, owned, st.integers(-1, 2))
    members = data.draw(st.dictionaries(st.sampled_from(["m1", "m2", "m3"]), subscription))
    shared = ASSIGNORS[name](members, counts)
    given_away = [place for each in shared.values() for place in each]
    assert shared.keys() == members.keys()
    assert len(given_away) == len(set(given_away))
    for member, each in shared.items():
        assert {place.topic for place in each} <= set(members[member].topics)
    wanted = {
        TopicPartition(topic, number)
        for topic, count in counts.items()
        for number in range(count)
        if any(topic in each.topics for each in members.values())
    }
    assert set(given_away) <= wanted
    if name != "cooperative-sticky":
        assert set(given_away) == wanted
