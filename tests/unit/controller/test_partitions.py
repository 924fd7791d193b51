"""CreatePartitions, and where replicas go."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka.controller.placement import place_replicas
from minikafka.metadata.image import BrokerImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest


@pytest.fixture
def orders(bench: Any) -> Any:
    """One broker and the topic `orders` of one partition."""
    request = CreateTopicsRequest(
        topics=[CreatableTopic(name="orders", num_partitions=1, replication_factor=1)]
    )
    bench.take(bench.controller.create_topics(request))
    return bench


def grow(
    bench: Any, count: int, assignments: list[list[int]] | None = None, **fields: Any
) -> CreatePartitionsTopicResult:
    wanted = CreatePartitionsTopic(
        name=fields.pop("name", "orders"),
        count=count,
        assignments=(
            None
            if assignments is None
            else [CreatePartitionsAssignment(broker_ids=ids) for ids in assignments]
        ),
    )
    request = CreatePartitionsRequest(topics=[wanted], **fields)
    results = bench.take(bench.controller.create_partitions(request)).results
    assert len(results) == 1
    return results[0]  # type: ignore[no-any-return]


def test_more_partitions(orders: Any) -> None:
    assert grow(orders, 3).error_code == 0
    assert list(orders.image.topics["orders"].partitions) == [0, 1, 2]


@pytest.mark.parametrize(
    ("count", "assignments", "code", "text"),
    [
        (1, None, 37, "Topic already has 1 partition(s)."),
        (
            0,
            None,
            37,
            "The topic orders currently has 1 partition(s); 0 would not be an increase.",
        ),
        (
            3,
            [[1]],
            39,
            "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
        ),
        (2, [[1, 1]], 39, "The manual partition assignment includes the broker 1 more than once."),
        (
            2,
            [[9]],
            39,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (2, [[]], 39, "The manual partition assignment includes an empty replica list."),
    ],
)
def test_refusals(
    orders: Any, count: int, assignments: list[list[int]] | None, code: int, text: str
) -> None:
    result = grow(orders, count, assignments)
    assert (result.error_code, result.error_message) == (code, text)
    assert len(orders.image.topics["orders"].partitions) == 1


def test_an_assignment_has_the_replication_factor_of_the_others(orders: Any) -> None:
    orders.up(2)
    result = grow(orders, 2, [[1, 2]])
    assert (result.error_code, result.error_message) == (
        39,
        "The manual partition assignment includes a partition with 2 replica(s), but this is not "
        "consistent with previous partitions, which have 1 replica(s).",
    )


def test_an_unknown_topic_has_a_code_and_no_text(orders: Any) -> None:
    result = grow(orders, 2, name="nosuch")
    assert (result.error_code, result.error_message) == (3, None)


def test_validate_only(orders: Any) -> None:
    assert grow(orders, 5, validate_only=True).error_code == 0
    assert len(orders.image.topics["orders"].partitions) == 1


def test_a_topic_named_twice(orders: Any) -> None:
    wanted = [CreatePartitionsTopic(name="orders", count=n, assignments=None) for n in (2, 3)]
    request = CreatePartitionsRequest(topics=wanted)
    (result,) = orders.take(orders.controller.create_partitions(request)).results
    assert (result.error_code, result.error_message) == (42, "Duplicate topic name.")


def broker(broker_id: int, rack: str | None = None, *, fenced: bool = False) -> BrokerImage:
    return BrokerImage(
        broker_id, 0, UUID(int=1), [], {}, rack, fenced, False, [UUID(int=1000 + broker_id)]
    )


def brokers(*made: BrokerImage) -> dict[int, BrokerImage]:
    return {one.broker_id: one for one in made}


@given(
    count=st.integers(1, 7),
    partitions=st.integers(1, 60),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_leaders_and_replicas_are_even_without_racks(
    count: int, partitions: int, seed: int, data: st.DataObject
) -> None:
    factor = data.draw(st.integers(1, count))
    nodes = brokers(*(broker(n) for n in range(count)))
    placed = place_replicas(nodes, partitions, factor, Random(seed))
    assert all(len(set(replicas)) == factor for replicas in placed)
    leaders = Counter(replicas[0] for replicas in placed)
    replicas_of = Counter(r for replicas in placed for r in replicas)
    assert max(leaders.values()) - min(leaders.get(n, 0) for n in nodes) <= 1
    # Leaders come first: the one whose turn it is may hold a replica more than others already.
    assert max(replicas_of.values()) - min(replicas_of.get(n, 0) for n in nodes) <= 2


@settings(deadline=None)  # of wall time, of which a busy machine has little
@given(
    racks=st.integers(2, 4),
    width=st.integers(1, 3),
    partitions=st.integers(1, 48),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_replicas_lie_on_as_many_racks_as_there_are(
    racks: int, width: int, partitions: int, seed: int, data: st.DataObject
) -> None:
    factor = data.draw(st.integers(1, racks * width))
    nodes = brokers(*(broker(n, f"rack-{n % racks}") for n in range(racks * width)))
    placed = place_replicas(nodes, partitions, factor, Random(seed))
    for replicas in placed:
        per_rack = Counter(n % racks for n in replicas)
        assert len(replicas) == len(set(replicas)) == factor
        assert max(per_rack.values()) - min(per_rack.get(r, 0) for r in range(racks)) <= 1
    leaders = Counter(replicas[0] for replicas in placed)
    assert max(leaders.values()) - min(leaders.get(n, 0) for n in nodes) <= 1
    replicas_of = Counter(r for replicas in placed for r in replicas)
    # Racks are as even as brokers when all have the same width; a remainder may fall on one.
    assert max(replicas_of.values()) - min(replicas_of.get(n, 0) for n in nodes) <= 2


def test_what_a_broker_leads_is_followed_by_many() -> None:
    nodes = brokers(*(broker(n) for n in range(4)))
    placed = place_replicas(nodes, 24, 2, Random(1))
    followers = {leader: Counter(f for first, f in placed if first == leader) for leader in nodes}
    assert all(len(found) == 3 and max(found.values()) <= 3 for found in followers.values())


def test_a_fenced_broker_follows_but_does_not_lead() -> None:
    nodes = brokers(broker(0), broker(1), broker(2, fenced=True))
    placed = place_replicas(nodes, 10, 3, Random(1))
    assert {replicas[0] for replicas in placed} == {0, 1}
    assert all(sorted(replicas) == [0, 1, 2] for replicas in placed)


def test_a_fenced_broker_is_left_out_while_others_suffice() -> None:
    nodes = brokers(broker(0), broker(1), broker(2, fenced=True))
    assert all(2 not in replicas for replicas in place_replicas(nodes, 10, 2, Random(1)))


def test_a_cordoned_broker_takes_nothing_new() -> None:
    full = broker(2)
    full.cordoned_log_dirs = list(full.log_dirs)
    nodes = brokers(broker(0), broker(1), full)
    assert all(2 not in replicas for replicas in place_replicas(nodes, 6, 2, Random(1)))
    with pytest.raises(KafkaError) as refused:
        place_replicas(nodes, 1, 3, Random(1))
    assert refused.value.code is ErrorCode.INVALID_REPLICATION_FACTOR


def test_many_small_topics_do_not_all_begin_on_one_broker() -> None:
    nodes = brokers(*(broker(n) for n in range(3)))
    random = Random(4)
    first = Counter(place_replicas(nodes, 1, 1, random)[0][0] for _ in range(300))
    assert min(first[n] for n in range(3)) > 60
