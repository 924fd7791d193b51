"""A controller on its own: decisions are replayed at once, as its host does when it appends."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import pytest

from minikafka.controller.controller import ClusterController
from minikafka.controller.decision import Decision
from minikafka.controller.features import bootstrap_feature_records
from minikafka.metadata.features import SUPPORTED
from minikafka.protocol.messages import broker_heartbeat, broker_registration
from minikafka.settings.broker import BrokerSettings

ResponseT = TypeVar("ResponseT")
CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"


class ControllerBench:
    """Drives one controller; `log` is every record in order, `now_ms` the loop's time."""

    def __init__(self, **settings: str) -> None:
        random = Random(7)
        values = {"node.id": "1", "process.roles": "broker,controller"}
        values |= {
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
            "controller.listener.names": "CONTROLLER",
        }
        values |= {key.replace("_", "."): value for key, value in settings.items()}
        self.now_ms = 0
        self.log: list[Any] = []
        self.controller = ClusterController(
            cluster_id=CLUSTER_ID,
            settings=BrokerSettings.parse(values),
            random=random,
            new_uuid=lambda: UUID(int=random.getrandbits(128), version=4),
        )

    @property
    def image(self) -> Any:
        return self.controller.image

    def take(self, decision: Decision[ResponseT]) -> ResponseT:
        """Append and replay the records of a decision; its response."""
        if decision.records:
            self.log += decision.records
            last = self.controller.image.offset + len(decision.records)
            self.controller.replay(
                decision.records, last_offset=last, epoch=1, wall_ms=1_000 + self.now_ms
            )
        return decision.response

    def activate(self) -> None:
        self.take(self.controller.activate(bootstrap_feature_records(), self.now_ms))

    def register(
        self,
        broker_id: int,
        *,
        rack: str | None = None,
        previous_epoch: int = -1,
        incarnation: int | None = None,
        **fields: Any,
    ) -> int:
        """Register a process of a broker, fenced for now; its broker epoch."""
        request = self.registration(broker_id, rack, previous_epoch, incarnation)
        for name, value in fields.items():
            setattr(request, name, value)
        return self.take(self.controller.register_broker(request, self.now_ms)).broker_epoch

    def registration(
        self, broker_id: int, rack: str | None, previous_epoch: int, incarnation: int | None
    ) -> broker_registration.BrokerRegistrationRequest:
        number = len(self.log) + 1000 if incarnation is None else incarnation
        return broker_registration.BrokerRegistrationRequest(
            broker_id=broker_id,
            cluster_id=CLUSTER_ID,
            incarnation_id=UUID(int=number),
            listeners=[
                broker_registration.Listener(name="PLAINTEXT", host="h", port=9000 + broker_id)
            ],
            features=[
                broker_registration.Feature(
                    name=name, min_supported_version=low, max_supported_version=high
                )
                for name, (low, high) in SUPPORTED.items()
            ],
            rack=rack,
            log_dirs=[UUID(int=1000 + broker_id)],
            previous_broker_epoch=previous_epoch,
        )

    def heartbeat(
        self, broker_id: int, *, offset: int | None = None, **wants: Any
    ) -> broker_heartbeat.BrokerHeartbeatResponse:
        request = broker_heartbeat.BrokerHeartbeatRequest(
            broker_id=broker_id,
            broker_epoch=self.image.brokers[broker_id].epoch,
            current_metadata_offset=self.image.offset if offset is None else offset,
            **wants,
        )
        return self.take(self.controller.broker_heartbeat(request, self.now_ms))

    def periodic(self, *, read_by_others: bool = False) -> list[Any]:
        """Everything that is due by now; its records."""
        before = len(self.log)
        while self.take(self.controller.periodic(self.now_ms, read_by_others=read_by_others)):
            pass
        return self.log[before:]

    def up(self, *broker_ids: int, racks: dict[int, str] | None = None) -> None:
        """Register brokers and unfence them."""
        for broker_id in broker_ids:
            self.register(broker_id, rack=(racks or {}).get(broker_id))
            self.heartbeat(broker_id)

    def partition(self, topic: str, index: int = 0) -> Any:
        return self.image.topics[topic].partitions[index]


@pytest.fixture
def make_bench() -> Callable[..., ControllerBench]:
    return ControllerBench


@pytest.fixture
def bench() -> ControllerBench:
    """A cluster of one broker that is up."""
    made = ControllerBench()
    made.activate()
    made.up(1)
    return made
