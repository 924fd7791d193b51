"""InitProducerId, and the blocks of ids behind it."""

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.allocate_producer_ids import AllocateProducerIdsResponse
from minikafka.protocol.messages.init_producer_id import InitProducerIdRequest


def idempotent(**rest: Any) -> InitProducerIdRequest:
    return InitProducerIdRequest(transactional_id=None, **rest)


@pytest.fixture
async def started(cluster: Any) -> Any:
    cluster.services.producer_ids.start()
    await cluster.settle()
    return cluster


@pytest.mark.parametrize("version", range(6))
async def test_each_producer_gets_an_id_of_its_own(started: Any, version: int) -> None:
    ids = []
    for _ in range(3):
        answer = await started.ask(idempotent(), version)
        assert (answer.error_code, answer.producer_epoch) == (0, 0)
        ids.append(answer.producer_id)
    assert ids == [0, 1, 2]


async def test_what_the_producer_had_before_is_not_looked_at(started: Any) -> None:
    answer = await started.ask(idempotent(producer_id=500, producer_epoch=3), 4)
    assert (answer.error_code, answer.producer_id, answer.producer_epoch) == (0, 0, 0)


async def test_producers_wait_while_the_first_block_is_on_its_way(cluster: Any) -> None:
    cluster.controller.gate.clear()
    for _ in range(2):
        answer = await cluster.ask(idempotent(), 4)
        assert answer.error_code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert (answer.producer_id, answer.producer_epoch) == (-1, -1)
    cluster.controller.gate.set()
    await cluster.settle()
    assert len(cluster.controller.asked) == 1
    assert (await cluster.ask(idempotent(), 4)).producer_id == 0


async def test_the_broker_asks_in_its_present_epoch(started: Any) -> None:
    ((request, version, _),) = started.controller.asked
    assert (request.broker_id, request.broker_epoch, version) == (
        1,
        started.image.brokers[1].epoch,
        0,
    )


async def test_the_next_block_is_fetched_before_the_present_one_ends(started: Any) -> None:
    source = started.services.producer_ids
    ids = []
    for _ in range(2500):
        ids.append(source.next())
        if len(ids) % 50 == 0:
            await started.settle()
    assert ids == list(range(2500))
    assert len(started.controller.asked) == 3


async def test_starting_twice_fetches_one_block(started: Any) -> None:
    started.services.producer_ids.start()
    await started.settle()
    assert len(started.controller.asked) == 1


async def test_a_failed_allocation_is_tried_again(cluster: Any) -> None:
    cluster.controller.answers += [
        KafkaError(ErrorCode.NOT_CONTROLLER),
        AllocateProducerIdsResponse(error_code=int(ErrorCode.STALE_BROKER_EPOCH)),
    ]
    cluster.services.producer_ids.start()
    for _ in range(3):
        await cluster.controller.arrivals.get()
    await cluster.settle()
    assert (await cluster.ask(idempotent(), 4)).producer_id == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"transactional_id": None, "producer_id": 5}, 42),
        ({"transactional_id": None, "producer_epoch": 0}, 42),
        ({"transactional_id": "", "transaction_timeout_ms": 1000}, 42),
        ({"transactional_id": "t", "transaction_timeout_ms": 0, "producer_id": 5}, 42),
        ({"transactional_id": "t", "transaction_timeout_ms": 0}, 50),
        ({"transactional_id": "t", "transaction_timeout_ms": 900_001}, 50),
        ({"transactional_id": "t", "transaction_timeout_ms": 900_000}, 15),
    ],
)
async def test_arguments_are_checked_before_the_coordinator_is_missed(
    started: Any, fields: dict[str, Any], code: int
) -> None:
    answer = await started.ask(InitProducerIdRequest(**fields), 4)
    assert (answer.error_code, answer.producer_id, answer.producer_epoch) == (code, -1, -1)
