"""DescribeCluster."""

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.describe_cluster import DescribeClusterRequest


@pytest.fixture
async def three(cluster: Any) -> Any:
    cluster.add_broker(2, "PLAINTEXT://b:9092", rack="r2", fenced=True)
    cluster.add_broker(3, "OTHER://c:9092")
    return cluster


@pytest.mark.parametrize("version", range(3))
async def test_lists_the_brokers_of_the_listener(three: Any, version: int) -> None:
    answer = await three.ask(DescribeClusterRequest(), version)
    assert (answer.error_code, answer.error_message) == (0, None)
    assert answer.cluster_id == "G9pOVcrcTuKIrxnu_FpNhg"
    assert [(b.broker_id, b.host, b.port, b.rack) for b in answer.brokers] == [
        (1, "127.0.0.1", 9092, None)
    ]
    assert answer.controller_id in (1, 3)
    assert answer.cluster_authorized_operations == -(2**31)


async def test_fenced_brokers_and_operations_are_told_when_asked(three: Any) -> None:
    request = DescribeClusterRequest(
        include_cluster_authorized_operations=True, include_fenced_brokers=True
    )
    answer = await three.ask(request, 2)
    assert [(b.broker_id, b.is_fenced) for b in answer.brokers] == [(1, False), (2, True)]
    assert answer.cluster_authorized_operations == 8096


@pytest.mark.parametrize(
    ("endpoint_type", "code"),
    [
        (2, ErrorCode.MISMATCHED_ENDPOINT_TYPE),
        (0, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE),
        (3, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE),
    ],
)
async def test_controllers_are_not_told_here(
    cluster: Any, endpoint_type: int, code: ErrorCode
) -> None:
    answer = await cluster.ask(DescribeClusterRequest(endpoint_type=endpoint_type), 1)
    assert answer.error_code == code
    assert answer.error_message
    assert (answer.cluster_id, answer.controller_id, answer.brokers) == ("", -1, [])
