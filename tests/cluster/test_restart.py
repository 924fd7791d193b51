"""What was acknowledged is there after a clean stop and after kill -9, once and in order."""

import threading

import confluent_kafka
import pytest
from harness.broker import RunningBroker, Software, target
from harness.clients import CODECS, PYTHON_CLIENTS, Keyed, by_partition

TOPIC = "kept"


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_everything_acknowledged_survives(own_broker: RunningBroker, ending: str) -> None:
    with own_broker.connect() as wire:
        wire.create_topic(TOPIC, 2, {"segment.bytes": "1048576"})
        topic_id = wire.describe_topic(TOPIC).topic_id
    for life in range(3):
        for client, codec in zip(PYTHON_CLIENTS, CODECS, strict=False):
            sent = [Keyed(b"%d" % n, f"{life} {n} ".encode() * 100) for n in range(500)]
            client.produce(own_broker.bootstrap, TOPIC, sent, codec)
        before = by_partition(PYTHON_CLIENTS[0].read(own_broker.bootstrap, TOPIC, 2))
        if ending == "stop":
            code = own_broker.stop()
            assert code == (0 if target() is Software.MINIKAFKA else 143)
        else:
            own_broker.kill()
        own_broker.start()
        with own_broker.connect() as wire:
            assert wire.describe_topic(TOPIC).topic_id == topic_id
        for client in PYTHON_CLIENTS:
            assert by_partition(client.read(own_broker.bootstrap, TOPIC, 2)) == before
        assert sum(map(len, before.values())) == 1500 * (life + 1)


def test_an_idempotent_producer_goes_on_through_a_kill(own_broker: RunningBroker) -> None:
    """The broker dies while records are in flight; the producer lives on and repeats them."""
    with own_broker.connect() as wire:
        wire.create_topic(TOPIC)
    failures: list[object] = []
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": own_broker.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 0,
            "batch.size": 4096,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    total, more = 30_000, 10_000
    half_acknowledged = threading.Event()

    def delivered(error: object, message: confluent_kafka.Message) -> None:
        if error is not None:
            failures.append(error)
        elif (message.offset() or 0) > total // 4:
            half_acknowledged.set()

    for n in range(total):
        producer.produce(TOPIC, b"%d" % n, on_delivery=delivered)
    while not half_acknowledged.is_set():
        producer.poll(0.01)
    # However slow this process is: what has just been produced cannot all be acknowledged yet.
    for n in range(total, total + more):
        producer.produce(TOPIC, b"%d" % n, on_delivery=delivered)
    own_broker.kill()
    assert len(producer) > 0, "nothing was in flight"
    own_broker.start()
    assert producer.flush(60) == 0
    assert failures == []
    read = by_partition(PYTHON_CLIENTS[0].read(own_broker.bootstrap, TOPIC))[0]
    assert [record.value for record in read] == [b"%d" % n for n in range(total + more)]


def test_a_deleted_topic_stays_deleted(own_broker: RunningBroker) -> None:
    with own_broker.connect() as wire:
        wire.create_topic("gone")
        wire.create_topic(TOPIC, 3)
        wire.delete_topic("gone")
    own_broker.kill()
    own_broker.start()
    with own_broker.connect() as wire:
        assert wire.describe_topic("gone").error_code == 3
        assert sorted(wire.describe_topic(TOPIC).leaders) == [0, 1, 2]
        wire.create_topic("gone")
        assert wire.end_offset("gone") == 0


def test_no_client_sees_a_broker_that_is_still_starting(own_broker: RunningBroker) -> None:
    """Whoever gets through to a restarted broker finds it listed, unfenced and leading.

    A librdkafka client that sees a partition without a leader takes it for unknown.
    """
    with own_broker.connect() as wire:
        wire.create_topic(TOPIC, 2)
    for ending in (own_broker.kill, own_broker.stop):
        ending()
        own_broker.start(until_listed=False)
        with own_broker.connect() as wire:
            seen = {
                (tuple(wire.broker_ids()), tuple(wire.describe_topic(TOPIC).leaders.values()))
                for _ in range(100)
            }
            wire.create_topic(f"after-{ending.__name__}")
        assert seen == {((0,), (0, 0))}
