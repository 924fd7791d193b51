"""Which replica a consumer reads a partition from."""

from minikafka_client.fetched import TopicPartition
from minikafka_client.nearest import NOBODY, NearestReplicas

PLACE = TopicPartition("orders", 0)
OTHER = TopicPartition("orders", 1)


class Clock:
    now_s = 100.0


def test_advice_is_good_for_a_while() -> None:
    clock = Clock()
    nearest = NearestReplicas(300, lambda: clock.now_s)
    assert nearest.of(PLACE) == NOBODY
    nearest.advise(PLACE, 2)
    assert (nearest.of(PLACE), nearest.of(OTHER)) == (2, NOBODY)
    clock.now_s += 299
    assert nearest.of(PLACE) == 2
    clock.now_s += 1
    assert nearest.of(PLACE) == NOBODY
    assert not nearest.forget(PLACE)


def test_a_replica_that_failed_is_forgotten_once() -> None:
    nearest = NearestReplicas(300, lambda: 0.0)
    nearest.advise(PLACE, 0)
    assert nearest.of(PLACE) == 0
    assert nearest.forget(PLACE)
    assert not nearest.forget(PLACE)
    assert nearest.of(PLACE) == NOBODY
