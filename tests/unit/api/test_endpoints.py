"""Which address of a broker a client is told."""

from typing import Any

import pytest

from minikafka.protocol.messages.metadata import MetadataRequest

CONTROLLER = "CONTROLLER://127.0.0.1:9093"


async def brokers(cluster: Any, listener: str, local: tuple[str, int]) -> dict[int, Any]:
    answer = await cluster.ask(MetadataRequest(topics=[]), 9, listener=listener, local=local)
    return {broker.node_id: (broker.host, broker.port) for broker in answer.brokers}


async def test_a_client_is_told_the_listener_it_came_by(make_cluster: Any) -> None:
    cluster = make_cluster(
        listeners=f"INSIDE://10.0.0.1:9092,OUTSIDE://1.2.3.4:9192,{CONTROLLER}",
        listener_security_protocol_map="INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        inter_broker_listener_name="INSIDE",
    )
    cluster.add_broker(1, "INSIDE://10.0.0.1:9092", "OUTSIDE://1.2.3.4:9192")
    cluster.add_broker(2, "INSIDE://10.0.0.2:9092")
    local = ("10.0.0.1", 9092)
    assert await brokers(cluster, "INSIDE", local) == {1: ("10.0.0.1", 9092), 2: ("10.0.0.2", 9092)}
    assert await brokers(cluster, "OUTSIDE", local) == {1: ("1.2.3.4", 9192)}


@pytest.mark.parametrize("host", ["", "0.0.0.0", "[::]"])
async def test_a_listener_without_a_host_is_told_as_the_client_found_it(
    make_cluster: Any, host: str
) -> None:
    cluster = make_cluster(listeners=f"PLAINTEXT://{host}:9092,{CONTROLLER}")
    cluster.add_broker(1, "PLAINTEXT://registered:9092")
    cluster.add_broker(2, "PLAINTEXT://other:9092")
    others = {2: ("other", 9092)}
    assert (
        await brokers(cluster, "PLAINTEXT", ("127.0.0.1", 9092))
        == {1: ("127.0.0.1", 9092)} | others
    )
    assert (
        await brokers(cluster, "PLAINTEXT", ("172.17.0.2", 9092))
        == {1: ("172.17.0.2", 9092)} | others
    )
    assert (
        await brokers(cluster, "PLAINTEXT", ("::ffff:10.1.2.3", 9092))
        == {1: ("10.1.2.3", 9092)} | others
    )


async def test_what_is_advertised_is_told_to_everybody(make_cluster: Any) -> None:
    cluster = make_cluster(
        listeners=f"PLAINTEXT://:9092,{CONTROLLER}", advertised_listeners="PLAINTEXT://kafka:19092"
    )
    cluster.add_broker(1, "PLAINTEXT://kafka:19092")
    told = await brokers(cluster, "PLAINTEXT", ("127.0.0.1", 9092))
    assert told == {1: ("kafka", 19092)}
