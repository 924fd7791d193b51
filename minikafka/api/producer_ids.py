"""Producer ids: this broker hands them out of blocks that the controller allocates to it.

An id is never given out twice in the life of a cluster: the controller writes the end of each
block to the metadata log before it answers, and a broker that restarts asks for a new block.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from minikafka.protocol.errors import ErrorCode, KafkaError, error_code
from minikafka.protocol.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)

if TYPE_CHECKING:
    from minikafka.api.context import ControllerGateway
    from minikafka.metadata.image import MetadataImage
    from minikafka.runtime.tasks import Scope

logger = logging.getLogger("minikafka.api")

# Kafka's own figures: the next block is fetched when 100 ids are left, a failure is tried again
# after 50 ms.
_PREFETCH_BELOW = 100
_RETRY_BACKOFF_S = 0.05
_VERSION = 0


class ProducerIdSource:
    """The ids of the present block, and the next block on its way.

    `start()` fetches the first block as soon as the broker is registered, so that no producer ever
    sees that there was none.
    """

    __slots__ = ("_controller", "_fetching", "_image", "_next", "_node_id", "_reserve", "_scope")

    def __init__(
        self, node_id: int, image: MetadataImage, controller: ControllerGateway, scope: Scope
    ) -> None:
        self._node_id = node_id
        self._image = image
        self._controller = controller
        self._scope = scope
        self._next = range(0)  # what is left of the present block
        self._reserve: range | None = None  # the next block, whole
        self._fetching = False

    def start(self) -> None:
        """Fetch a block unless one is here or on its way."""
        if not self._next:
            self._fetch()

    def next(self) -> int:
        """A producer id that nobody had before.

        Raises `KafkaError` 14 while there is no block; clients try again.
        """
        if not self._next and self._reserve is not None:
            self._next, self._reserve = self._reserve, None
        left = self._next
        if len(left) <= _PREFETCH_BELOW:
            self._fetch()
        if not left:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        self._next = left[1:]
        return left[0]

    def _fetch(self) -> None:
        if not self._fetching and self._reserve is None:
            self._fetching = True
            self._scope.spawn(self._fetch_block(), "fetch a block of producer ids")

    async def _fetch_block(self) -> None:
        try:
            while True:
                try:
                    block = await self._ask()
                except KafkaError as error:
                    # Nobody waits for this answer: producers are told 14 meanwhile.
                    logger.info("no block of producer ids yet: %s", error)
                    await asyncio.sleep(_RETRY_BACKOFF_S)
                else:
                    self._reserve = block
                    return
        finally:
            self._fetching = False

    async def _ask(self) -> range:
        broker = self._image.brokers.get(self._node_id)
        request = AllocateProducerIdsRequest(
            broker_id=self._node_id, broker_epoch=-1 if broker is None else broker.epoch
        )
        response = await self._controller.handle(request, _VERSION, None)
        assert isinstance(response, AllocateProducerIdsResponse)
        if response.error_code:
            raise KafkaError(error_code(response.error_code))
        start = response.producer_id_start
        return range(start, start + response.producer_id_len)
