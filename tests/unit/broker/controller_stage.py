"""An active controller behind its listener, and somebody of another node who knows where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from minikafka.api.context import ControllerServices
from minikafka.api.dispatch import Dispatcher
from minikafka.broker.controller_gateway import ControllerGateway
from minikafka.broker.listening import Listeners
from minikafka.channel.channel import Channel, open_channel
from minikafka.settings.listeners import Listener

NOBODY = -1


class KnownLeader:
    """What a node that follows the quorum knows: who leads, and where that listens."""

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.is_leader = False
        self.leader_id = NOBODY
        self.leader_epoch = 0
        self.endpoint: tuple[str, int] | None = None
        self.callbacks: list[Callable[[int, int], None]] = []
        self.on_leader_change = self.callbacks.append

    def leader_endpoint(self) -> tuple[str, int] | None:
        return self.endpoint

    def learn(self, leader_id: int, port: int) -> None:
        self.leader_id, self.leader_epoch = leader_id, self.leader_epoch + 1
        self.endpoint = ("127.0.0.1", port)
        for callback in self.callbacks:
            callback(self.leader_id, self.leader_epoch)


class ControllerStage:
    """`node` behind `port`, and the `gateway` of node 2 by which it is asked."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.known = KnownLeader(2)
        self.gateway = ControllerGateway(
            host=None,
            quorum=self.known,  # type: ignore[arg-type]  # the part that a gateway looks at
            settings=node.settings,
            random=Random(7),
        )
        services = ControllerServices(
            quorum=node.quorum,
            settings=node.settings,
            cluster_id=node.storage.cluster_id,
            image=node.quorum.image,
            controller=node.host,
            wall_clock=None,
            age_clock=node.age_clock,
            random=node.random,
            scope=node.scope,
            loop=asyncio.get_running_loop(),
        )
        self.listeners = Listeners(node.settings, Dispatcher(services).serve)
        self.channels: list[Channel] = []
        self.port = 0

    async def start(self) -> ControllerStage:
        await self.listeners.take_ports([Listener("CONTROLLER", "127.0.0.1", 0, "PLAINTEXT")])
        await self.listeners.accept()
        self.port = self.listeners.addresses[0][2]
        return self

    async def connect(self) -> Channel:
        channel = await open_channel("127.0.0.1", self.port, client_id="2", timeout_s=30)
        self.channels.append(channel)
        return channel

    async def stop(self) -> None:
        self.gateway.close()
        for channel in self.channels:
            channel.close()
        await self.listeners.drain(5)
