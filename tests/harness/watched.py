"""A controller's watch over one other broker, number 1 of an image."""

from __future__ import annotations

import asyncio
from uuid import UUID

from minikafka.broker.liveness import BrokerLiveness
from minikafka.metadata.broker_image import BrokerImage, Endpoint
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.runtime.tasks import Scope


class Watched:
    """`news` is who has gone, and in which epoch."""

    def __init__(self, scope: Scope, host: str = "127.0.0.1") -> None:
        self.news: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self.image = MetadataImage()
        self.host = host
        self.liveness = BrokerLiveness(
            node_id=0,
            listener_name="PLAINTEXT",
            scope=scope,
            on_gone=lambda broker_id, epoch: self.news.put_nowait((broker_id, epoch)),
        )

    def register(self, epoch: int, port: int) -> None:
        self.show(epoch, port)
        self.publish()

    def show(self, epoch: int, port: int) -> None:
        endpoints = [Endpoint("PLAINTEXT", self.host, port)]
        self.image.brokers[1] = BrokerImage(
            1, epoch, UUID(int=epoch), endpoints, {}, None, False, False, []
        )

    def publish(self) -> None:
        delta = MetadataDelta()
        delta.changed_brokers.add(1)
        self.liveness.publish(self.image, delta)
