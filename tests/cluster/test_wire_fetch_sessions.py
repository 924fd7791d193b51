"""Fetch sessions over a real socket (KIP-227): what is told again, what is not, and how they end.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka), but for those
that say so.
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from harness.broker import RunningBroker, Software, target
from harness.peer import Peer, Topic, batch_of, batch_of_size, fetch_request

BATCH_BYTES = 3151
MAX_EPOCH = 2**31 - 1
NOT_FOUND = 70
WRONG_EPOCH = 71
MIXED = 106
VERSIONS = [7, 12, 13, 18]


@pytest.fixture
def peer(shared_broker: RunningBroker) -> Iterator[Peer]:
    with Peer(shared_broker.host, shared_broker.port) as connected:
        yield connected


@pytest.fixture
def topic(peer: Peer) -> Topic:
    """Four partitions, each with two batches of 3151 bytes."""
    topic = Topic.create(peer, f"sessions-{uuid.uuid4()}", 4)
    for _ in range(2):
        peer.call(topic.produce_request(dict.fromkeys(range(4), batch_of_size(BATCH_BYTES))), 12)
    return topic


class Session:
    """A fetch session as a client keeps it."""

    def __init__(self, topic: Topic, offsets: dict[int, int], version: int = 12) -> None:
        self.topic = topic
        self.version = version
        self.epoch = 1
        wanted = [topic.fetch_topic(offsets, version)] if offsets else []
        response = topic.peer.call(fetch_request(*wanted, session_epoch=0), version)
        assert response.error_code == 0
        self.id = response.session_id
        self.first = answered(response)

    def ask(
        self, offsets: dict[int, int] | None = None, *, forget: tuple[int, ...] = (), **fields: Any
    ) -> Any:
        """The response to the next incremental fetch."""
        wanted = [self.topic.fetch_topic(offsets, self.version)] if offsets else []
        forgotten = [self.topic.forgotten(*forget, version=self.version)] if forget else []
        named = {"session_id": self.id, "session_epoch": self.epoch} | fields
        request = fetch_request(*wanted, forgotten_topics_data=forgotten, **named)
        self.epoch += 1
        return self.topic.peer.call(request, self.version)

    def fetch(self, offsets: dict[int, int] | None = None, **options: Any) -> dict[int, Any]:
        """Partition -> (error code, bytes) of what the next incremental fetch tells."""
        response = self.ask(offsets, **options)
        assert (response.error_code, response.session_id) == (0, self.id)
        return answered(response)


def answered(response: Any) -> dict[int, tuple[int, int]]:
    return {
        p.partition_index: (p.error_code, len(p.records))
        for found in response.responses
        for p in found.partitions
    }


DATA = (0, BATCH_BYTES)
TWICE = (0, 2 * BATCH_BYTES)
NOTHING = (0, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_only_what_changed_is_told(topic: Topic, version: int) -> None:
    session = Session(topic, {0: 0, 1: 1, 2: 2, 3: 2}, version)
    assert session.id > 0
    assert session.first == {0: TWICE, 1: DATA, 2: NOTHING, 3: NOTHING}
    assert session.fetch({0: 2, 1: 2}) == {}
    assert session.fetch() == {}
    topic.produce(batch_of_size(BATCH_BYTES), partition=2)
    assert session.fetch() == {2: DATA}
    assert session.fetch({2: 3}) == {}


def test_what_was_not_fetched_past_is_told_again(topic: Topic) -> None:
    session = Session(topic, {0: 0, 1: 2})
    for _ in range(3):
        assert session.fetch() == {0: TWICE}
    assert session.fetch({0: 1}) == {0: DATA}
    assert session.fetch() == {0: DATA}
    assert session.fetch({0: 2}) == {}


def test_a_new_high_watermark_alone_is_told_once(topic: Topic) -> None:
    session = Session(topic, {0: 2})
    topic.produce(batch_of(b"x"))
    response = session.ask({0: 3})
    (partition,) = response.responses[0].partitions
    assert (partition.high_watermark, len(partition.records)) == (3, 0)
    assert session.fetch() == {}


def test_partitions_come_and_go(topic: Topic) -> None:
    session = Session(topic, {0: 0})
    assert session.fetch({1: 1, 2: 2}) == {0: TWICE, 1: DATA, 2: NOTHING}
    assert session.fetch(forget=(0,)) == {1: DATA}
    assert session.fetch(forget=(1, 3)) == {}
    assert session.fetch({0: 1}) == {0: DATA}


def test_a_partition_both_named_and_forgotten_is_forgotten(topic: Topic) -> None:
    session = Session(topic, {0: 0, 1: 2})
    assert session.fetch({0: 1}, forget=(0,)) == {}
    assert session.fetch() == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_without_partitions_ends(topic: Topic, version: int) -> None:
    session = Session(topic, {0: 0}, version)
    response = session.ask(forget=(0,), max_wait_ms=60_000)
    assert (response.error_code, response.session_id, response.responses) == (0, 0, [])
    assert session.ask().error_code == NOT_FOUND


def test_a_session_that_becomes_empty_still_fetches_what_the_request_names(topic: Topic) -> None:
    session = Session(topic, {0: 0})
    response = session.ask({0: 1}, forget=(0,))
    assert (response.session_id, answered(response)) == (0, {0: DATA})


def test_a_session_may_begin_empty(topic: Topic) -> None:
    session = Session(topic, {})
    assert session.id > 0
    assert session.fetch({1: 0}) == {1: TWICE}


def test_the_last_mention_counts(topic: Topic) -> None:
    wanted = topic.fetch_topic({0: 0})
    wanted.partitions += topic.fetch_topic({0: 1}).partitions
    response = topic.peer.call(fetch_request(wanted, session_epoch=0), 12)
    assert answered(response) == {0: DATA}
    again = fetch_request(session_id=response.session_id, session_epoch=1)
    assert answered(topic.peer.call(again, 12)) == {0: DATA}


def test_partitions_with_data_take_turns(topic: Topic) -> None:
    session = Session(topic, {0: 0, 1: 2, 2: 0, 3: 0})
    told = [session.fetch(max_bytes=1) for _ in range(6)]
    assert told == [{index: DATA} for index in (0, 2, 3, 0, 2, 3)]


def test_what_did_not_fit_is_told_as_soon_as_it_fits(topic: Topic) -> None:
    session = Session(topic, {0: 0, 1: 0})
    # The second partition's batch does not fit beside the first one's: it must not be lost.
    assert session.fetch(max_bytes=BATCH_BYTES + 100)[0] == (0, BATCH_BYTES + 100)
    assert session.fetch({0: 2}, max_bytes=BATCH_BYTES + 100) == {1: (0, BATCH_BYTES + 100)}


def test_a_larger_limit_is_obeyed(topic: Topic) -> None:
    session = Session(topic, {0: 0})
    wanted = topic.fetch_topic({0: 0}, partition_max_bytes=4000)
    request = fetch_request(wanted, session_id=session.id, session_epoch=1)
    assert answered(topic.peer.call(request, 12)) == {0: (0, 4000)}
    session.epoch = 2
    assert session.fetch() == {0: (0, 4000)}


# --- errors of partitions


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_are_told_until_they_are_forgotten(topic: Topic, version: int) -> None:
    session = Session(topic, {0: 2, 1: 99, 77: 0}, version)
    assert session.first == {0: NOTHING, 1: (1, 0), 77: (3, 0)}
    for _ in range(2):
        assert session.fetch(max_wait_ms=60_000) == {1: (1, 0), 77: (3, 0)}
    assert session.fetch({1: 2}) == {1: NOTHING, 77: (3, 0)}
    assert session.fetch(forget=(77,)) == {}


def test_a_name_that_is_not_known_waits_unless_it_is_alone(topic: Topic) -> None:
    session = Session(topic, {0: 2, 77: 0})
    started = time.perf_counter()
    assert session.fetch(max_wait_ms=150) == {77: (3, 0)}
    assert time.perf_counter() - started > 0.14
    assert session.fetch(forget=(0,), max_wait_ms=60_000) == {77: (3, 0)}


# --- errors of sessions


def refusal(peer: Peer, session_id: int, epoch: int, version: int = 12) -> int:
    response = peer.call(fetch_request(session_id=session_id, session_epoch=epoch), version)
    assert (response.session_id, response.responses) == (0, [])
    assert isinstance(response.error_code, int)
    return response.error_code


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_sessions(peer: Peer, topic: Topic, version: int) -> None:
    unknown = 1_234_567
    wanted = topic.fetch_topic({0: 1}, version)
    for session_id, epoch in ((unknown, 1), (unknown + 1, 3), (0, 1), (0, -2), (0, MAX_EPOCH)):
        request = fetch_request(wanted, session_id=session_id, session_epoch=epoch)
        response = peer.call(request, version)
        assert (response.error_code, response.session_id) == (NOT_FOUND, 0)
        assert response.responses == []
    request = fetch_request(wanted, session_id=unknown, session_epoch=-1)
    response = peer.call(request, version)
    assert (response.session_id, answered(response)) == (0, {0: DATA})
    request = fetch_request(wanted, session_id=unknown, session_epoch=0)
    response = peer.call(request, version)
    assert response.session_id not in (0, unknown)
    assert answered(response) == {0: DATA}


@pytest.mark.parametrize("epoch", [2, 3, -2, MAX_EPOCH])
def test_an_epoch_that_is_not_the_next_changes_nothing(
    peer: Peer, topic: Topic, epoch: int
) -> None:
    session = Session(topic, {0: 1})
    assert refusal(peer, session.id, epoch) == WRONG_EPOCH
    assert session.fetch() == {0: DATA}
    assert refusal(peer, session.id, 1) == WRONG_EPOCH  # sent again: its answer was lost
    assert session.fetch() == {0: DATA}


def test_names_and_ids_do_not_mix(peer: Peer, topic: Topic) -> None:
    by_name, by_id = Session(topic, {0: 1}, 12), Session(topic, {0: 1}, 13)
    assert refusal(peer, by_name.id, 1, 13) == MIXED
    assert refusal(peer, by_id.id, 1, 12) == MIXED
    assert by_name.fetch() == {0: DATA}
    assert by_id.fetch() == {0: DATA}


def test_epoch_minus_1_closes_and_fetches(peer: Peer, topic: Topic) -> None:
    session = Session(topic, {0: 0, 1: 0})
    wanted = topic.fetch_topic({2: 1})
    request = fetch_request(wanted, session_id=session.id, session_epoch=-1)
    response = peer.call(request, 12)
    assert (response.error_code, response.session_id) == (0, 0)
    assert answered(response) == {2: DATA}
    assert refusal(peer, session.id, 1) == NOT_FOUND


def test_epoch_0_replaces_a_session(peer: Peer, topic: Topic) -> None:
    session = Session(topic, {0: 0, 1: 0})
    request = fetch_request(topic.fetch_topic({2: 1}), session_id=session.id, session_epoch=0)
    response = peer.call(request, 12)
    assert response.session_id not in (0, session.id)
    assert answered(response) == {2: DATA}
    assert refusal(peer, session.id, 1) == NOT_FOUND


def test_a_session_outlives_its_connection(shared_broker: RunningBroker, topic: Topic) -> None:
    session = Session(topic, {0: 1})
    with Peer(shared_broker.host, shared_broker.port) as other:
        topic.peer = other
        assert session.fetch() == {0: DATA}


def test_without_a_slot_there_is_no_session(tmp_path: Any) -> None:
    if target() is Software.APACHE:
        pytest.skip("Kafka's cache is sharded: so few slots are none")
    slots = "max.incremental.fetch.session.cache.slots"
    with (
        RunningBroker(tmp_path, {slots: "1"}) as broker,
        Peer(broker.host, broker.port) as peer,
    ):
        topic = Topic.create(peer, "narrow")
        topic.produce(batch_of_size(BATCH_BYTES))
        first = Session(topic, {0: 0})
        second = Session(topic, {0: 0})
        assert second.id == 0
        assert second.first == {0: DATA}
        assert first.fetch() == {0: DATA}
