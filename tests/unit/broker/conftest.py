"""One node's storage, quorum and controller on a real directory, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from minikafka.broker.catching_up import until_caught_up
from minikafka.broker.controller import ControllerHost
from minikafka.broker.quorum import QuorumHost
from minikafka.broker.storage import prepare_storage
from minikafka.controller.controller import ClusterController
from minikafka.metadata.features import SUPPORTED
from minikafka.protocol.messages import broker_heartbeat, broker_registration
from minikafka.protocol.messages.create_topics import (
    CreatableTopic,
    CreatableTopicResult,
    CreateTopicsRequest,
)
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.entropy import random_uuid
from minikafka.runtime.local_disk import LocalDisk
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings


class GatedDisk(LocalDisk):
    """A disk whose flushes wait until `let_flush` is set, or fail with `fault`, and that says to be
    full while `is_full`."""

    __slots__ = ("fault", "flush_asked", "flushes", "is_full", "let_flush")

    def __init__(self) -> None:
        super().__init__("metadata")
        self.let_flush = asyncio.Event()
        self.let_flush.set()
        self.flush_asked = asyncio.Event()
        self.fault: OSError | None = None
        self.flushes = 0
        self.is_full = False

    def free_space(self, path: str) -> int:
        return 0 if self.is_full else super().free_space(path)

    async def in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        self.flushes += 1
        self.flush_asked.set()
        await self.let_flush.wait()
        if self.fault is not None:
            raise self.fault
        await super().in_thread(work, *arguments)


def node_settings(path: Path, **settings: str) -> BrokerSettings:
    values = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(path),
    }
    if "controller_quorum_bootstrap_servers" not in settings:
        values["controller.quorum.voters"] = "1@localhost:9093"
    values |= {key.replace("_", "."): value for key, value in settings.items()}
    return BrokerSettings.parse(values)


class Node:
    """The metadata half of a broker. `failures` are tasks that ended badly."""

    def __init__(self, path: Path, **settings: str) -> None:
        self.random = Random(11)
        self.settings = node_settings(path, **settings)
        self.disk = GatedDisk()
        self.failures: list[BaseException] = []
        self.scope = Scope("node", lambda _, error: self.failures.append(error))
        self.storage = prepare_storage(self.settings, self.disk, self.random, wall_ms=1)
        self.controller = ClusterController(
            cluster_id=self.storage.cluster_id,
            settings=self.settings,
            random=self.random,
            new_uuid=lambda: random_uuid(self.random),
        )
        self.age_clock = AgeClock(asyncio.get_running_loop())
        self.quorum = QuorumHost(
            settings=self.settings,
            storage=self.storage,
            disk=self.disk,
            wall_clock=WallClock(),
            scope=self.scope,
            controller=self.controller,
            random=self.random,
            age_clock=self.age_clock,
        )
        self.host = ControllerHost(
            self.controller, self.quorum, self.storage, self.disk, self.scope
        )

    async def start(self) -> Node:
        await self.quorum.start()
        await until_caught_up(self.quorum)
        return self

    async def stop(self) -> None:
        self.disk.let_flush.set()
        await self.quorum.stop()
        await self.crash()

    async def crash(self) -> None:
        """End without a word: what is in the files is what the next start finds."""
        await self.scope.close()
        self.disk.close()

    async def register(self, previous_epoch: int = -1) -> int:
        """Register the broker and unfence it; its epoch."""
        response: Any = await self.host.handle(
            broker_registration.BrokerRegistrationRequest(
                broker_id=1,
                cluster_id=self.storage.cluster_id,
                incarnation_id=random_uuid(self.random),
                features=[
                    broker_registration.Feature(
                        name=name, min_supported_version=low, max_supported_version=high
                    )
                    for name, (low, high) in SUPPORTED.items()
                ],
                log_dirs=list(self.storage.directory_ids.values()),
                previous_broker_epoch=previous_epoch,
            ),
            4,
            None,
        )
        await self.heartbeat()
        return int(response.broker_epoch)

    async def heartbeat(self, **wants: Any) -> broker_heartbeat.BrokerHeartbeatResponse:
        image = self.quorum.image
        response = await self.host.handle(
            broker_heartbeat.BrokerHeartbeatRequest(
                broker_id=1,
                broker_epoch=image.brokers[1].epoch,
                current_metadata_offset=image.offset,
                **wants,
            ),
            2,
            None,
        )
        assert isinstance(response, broker_heartbeat.BrokerHeartbeatResponse)
        return response

    async def create(self, name: str, partitions: int = 1, **fields: Any) -> CreatableTopicResult:
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
        request = CreateTopicsRequest(topics=[topic], **fields)
        response: Any = await self.host.handle(request, 7, "test")
        (result,) = response.topics
        return result  # type: ignore[no-any-return]


MakeNode = Callable[..., Awaitable[Node]]


@pytest.fixture
async def make_node(tmp_path: Path) -> AsyncIterator[MakeNode]:
    """Starts nodes on one directory, one after another; those still running are ended."""
    async with AsyncExitStack() as stack:

        async def make(**settings: str) -> Node:
            node = Node(tmp_path / "data", **settings)
            stack.push_async_callback(node.stop)
            return await node.start()

        yield make
