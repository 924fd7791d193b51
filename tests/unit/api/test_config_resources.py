"""ListConfigResources: subscriptions in v0, everything that can have configs in v1."""

from typing import Any

import pytest

from minikafka.protocol.messages.list_config_resources import ListConfigResourcesRequest
from minikafka.protocol.records.metadata.config_record import ConfigRecord


@pytest.fixture
async def configured(cluster: Any) -> Any:
    cluster.add_broker(2, "PLAINTEXT://b2:9092", fenced=True)
    cluster.add_topic("orders")
    for kind, name in ((16, "subscription"), (32, "group"), (2, "orders"), (4, "1")):
        cluster.replay(
            ConfigRecord(resource_type=kind, resource_name=name, name="interval.ms", value="100")
        )
    return cluster


async def listed(cluster: Any, version: int, *types: int) -> list[tuple[int, str]]:
    answer = await cluster.ask(ListConfigResourcesRequest(resource_types=list(types)), version)
    assert answer.error_code == 0
    return [(found.resource_type, found.resource_name) for found in answer.config_resources]


async def test_version_0_lists_subscriptions(configured: Any) -> None:
    assert await listed(configured, 0) == [(16, "subscription")]


async def test_no_types_means_all(configured: Any) -> None:
    assert sorted(await listed(configured, 1)) == [
        (2, "orders"),
        (4, "1"),
        (8, "1"),
        (16, "subscription"),
        (32, "group"),
    ]


async def test_types_are_picked_once(configured: Any) -> None:
    assert await listed(configured, 1, 32, 2, 2) == [(32, "group"), (2, "orders")]


async def test_an_unknown_type_refuses_the_whole(configured: Any) -> None:
    answer = await configured.ask(ListConfigResourcesRequest(resource_types=[2, 3]), 1)
    assert (answer.error_code, answer.config_resources) == (35, [])
