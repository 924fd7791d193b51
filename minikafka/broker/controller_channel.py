"""The connection of this node to the active controller, wherever the quorum says that it is.

It is opened when somebody has something to ask, kept while the same controller leads, and closed
the moment the quorum knows of another: what is in flight then fails and is asked again there,
instead of waiting for somebody who may never answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from minikafka.channel.channel import open_channel
from minikafka.channel.errors import ConnectFailed
from minikafka.protocol.types import Message

if TYPE_CHECKING:
    from minikafka.broker.quorum import QuorumHost
    from minikafka.channel.channel import Channel

R = TypeVar("R", bound=Message)


class ControllerChannel:
    """Asks the active controller; ChannelError when there is none or it does not answer."""

    def __init__(self, quorum: QuorumHost, timeout_s: float) -> None:
        self._quorum = quorum
        self._timeout_s = timeout_s
        self._connecting = asyncio.Lock()
        self._channel: Channel | None = None
        self._is_closed = False
        quorum.on_leader_change(lambda leader_id, epoch: self._let_go("another controller leads"))

    async def call(self, request: Message, response: type[R], version: int) -> R:
        """The answer to `request`, sent in `version` or the highest below that is spoken there."""
        channel = await self._connected()
        return await channel.call(request, response, self._timeout_s, at_most=version)

    async def _connected(self) -> Channel:
        async with self._connecting:  # those who ask at the same time share one connection
            channel = self._channel
            if channel is not None and channel.closed is None:
                return channel
            endpoint = None if self._is_closed else self._quorum.leader_endpoint()
            if endpoint is None:
                raise ConnectFailed("no active controller is known")
            leader = self._quorum.leader_id, self._quorum.leader_epoch
            channel = await open_channel(
                *endpoint, client_id=str(self._quorum.node_id), timeout_s=self._timeout_s
            )
            if self._is_closed or leader != (self._quorum.leader_id, self._quorum.leader_epoch):
                channel.close("another controller leads")
                raise ConnectFailed("another controller leads")
            self._channel = channel
            return channel

    def close(self) -> None:
        """Ask no more; who waits is told at once."""
        self._is_closed = True
        self._let_go("this node stops")

    def _let_go(self, reason: str) -> None:
        if self._channel is not None:
            self._channel.close(reason)
            self._channel = None
