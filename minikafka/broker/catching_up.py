"""Before a node reads its own replicas it must know the metadata as the quorum has it now.

Replicas that the metadata does not name are set aside as strays, so an old image would do harm.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from minikafka.metadata.features import METADATA_VERSION

if TYPE_CHECKING:
    from minikafka.broker.quorum import QuorumHost

_LOG = logging.getLogger("minikafka.broker")

_SAY_SO_S = 10.0


async def until_caught_up(quorum: QuorumHost) -> None:
    """Wait until all that the quorum's leader has said is committed is in the image.

    As long as it takes: without a majority of controllers there is nothing to begin with.
    """
    published = asyncio.Event()
    quorum.on_publish(lambda image, delta: published.set())
    while not _is_caught_up(quorum):
        try:
            async with asyncio.timeout(_SAY_SO_S):
                await published.wait()
        except TimeoutError:
            _LOG.info(
                "waiting for the metadata: leader %d, offset %d of %d",
                quorum.leader_id,
                quorum.image.offset,
                quorum.node.high_watermark,
            )
        published.clear()


def _is_caught_up(quorum: QuorumHost) -> bool:
    """The high watermark is known from a leader only; the first records make a cluster of it."""
    high_watermark = quorum.node.high_watermark
    image = quorum.image
    return 0 < high_watermark <= image.offset + 1 and METADATA_VERSION in image.features
