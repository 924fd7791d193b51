"""DescribeProducers: the producer state of the leader's log."""

from typing import Any

from minikafka.protocol.messages.describe_producers import DescribeProducersRequest, TopicRequest


async def describe(cluster: Any, topic: str, *indexes: int) -> Any:
    request = DescribeProducersRequest(
        topics=[TopicRequest(name=topic, partition_indexes=list(indexes))]
    )
    (answered,) = (await cluster.ask(request, 0)).topics
    assert answered.name == topic
    return answered.partitions


async def test_idempotent_producers_are_listed(cluster: Any) -> None:
    cluster.add_topic("orders", 2)
    cluster.append("orders", 100, 200, producer_id=7, producer_epoch=3, base_sequence=0)
    cluster.append("orders", 150, producer_id=7, producer_epoch=3, base_sequence=2)
    cluster.append("orders", 10, producer_id=8, producer_epoch=0, base_sequence=4)
    cluster.append("orders", 10)
    with_producers, without = await describe(cluster, "orders", 0, 1)
    assert [
        (
            p.producer_id,
            p.producer_epoch,
            p.last_sequence,
            p.last_timestamp,
            p.coordinator_epoch,
            p.current_txn_start_offset,
        )
        for p in with_producers.active_producers
    ] == [(7, 3, 2, 150, -1, -1), (8, 0, 4, 10, -1, -1)]
    assert (without.partition_index, without.error_code, without.active_producers) == (1, 0, [])


async def test_an_open_transaction_is_shown(cluster: Any) -> None:
    cluster.add_topic("orders")
    cluster.append("orders", 1)
    cluster.append(
        "orders", 2, producer_id=7, producer_epoch=0, base_sequence=0, transactional=True
    )
    (partition,) = await describe(cluster, "orders", 0)
    assert partition.active_producers[0].current_txn_start_offset == 1


async def test_partitions_that_are_not_led_here_are_refused(cluster: Any) -> None:
    cluster.add_topic("orders")
    cluster.add_topic("elsewhere", replicas=(2,))
    cluster.add_topic("followed", replicas=(2, 1))
    (unknown,) = await describe(cluster, "orders", 9)
    assert (unknown.error_code, unknown.error_message) == (3, None)
    assert (await describe(cluster, "elsewhere", 0))[0].error_code == 6
    assert (await describe(cluster, "followed", 0))[0].error_code == 6


async def test_a_topic_that_cannot_be_is_told_with_a_reason(cluster: Any) -> None:
    (unknown,) = await describe(cluster, "nope", 0)
    assert unknown.error_code == 3
    assert unknown.error_message == "This server does not host this topic-partition."
    (illegal,) = await describe(cluster, "a b", 0)
    assert illegal.error_code == 17
    assert "one or more characters" in illegal.error_message
