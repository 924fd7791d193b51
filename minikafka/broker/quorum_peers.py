"""The other nodes of the quorum as this one reaches them: one connection each, made when needed.

Every request comes back as `Answered` or `Unanswered`, never from within `ask`. A connection that
breaks fails what was in flight at once, and the next request tries a new one: that is how a node
learns within milliseconds that nobody listens any more where its leader did.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from minikafka.channel.channel import Channel, open_channel
from minikafka.channel.errors import ChannelError, ConnectFailed, UnsupportedApi
from minikafka.metadata.features import KRAFT_VERSION
from minikafka.protocol.apis import response_class
from minikafka.protocol.codec import decoder, encode_parts
from minikafka.protocol.errors import UnsupportedVersion
from minikafka.protocol.messages.fetch import FetchRequest
from minikafka.raft.events import Answered, Unanswered, VoterProbed
from minikafka.raft.messages import fetch_request_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.protocol.types import Buffer, Message
    from minikafka.raft.effects import ProbeVoter
    from minikafka.runtime.tasks import Scope

    Outcome = Callable[[Answered | Unanswered | VoterProbed], None]

_LOG = logging.getLogger("minikafka.quorum")


class QuorumPeers:
    """Sends requests to nodes by id. `address_of` tells where a node listens, None if unknown;
    `outcome` takes what came of each request, from the loop.
    """

    def __init__(
        self,
        *,
        node_id: int,
        timeout_s: float,
        scope: Scope,
        address_of: Callable[[int], tuple[str, int] | None],
        outcome: Outcome,
    ) -> None:
        self._client_id = f"raft-client-{node_id}"
        self._timeout_s = timeout_s
        self._scope = scope
        self._address_of = address_of
        self._outcome = outcome
        self._peers: dict[int, _Peer] = {}
        self._is_closed = False

    def ask(self, node_id: int, message: Message) -> None:
        """Send a request; its outcome comes later."""
        address = self._address_of(node_id)
        if address is None:
            self._fail_soon(node_id, message)
            return
        peer = self._peers.get(node_id)
        if peer is None or peer.address != address:
            if peer is not None:
                peer.close()
            peer = self._peers[node_id] = _Peer(node_id, address)
        if peer.channel is not None and peer.channel.closed is None:
            self._submit(peer, peer.channel, message)
            return
        peer.waiting.append(message)
        if len(peer.waiting) == 1:
            self._scope.spawn(self._connect(peer), f"connect to node {node_id}")

    def probe(self, asked: ProbeVoter) -> None:
        """Look what listens there, over a connection of its own; the outcome comes later."""
        self._scope.spawn(self._probe(asked), f"look at node {asked.voter_id}")

    async def _probe(self, asked: ProbeVoter) -> None:
        found = None
        try:
            channel = await open_channel(
                asked.host, asked.port, client_id=self._client_id, timeout_s=self._timeout_s
            )
        except ChannelError as error:
            _LOG.info("node %d cannot become a voter: %s", asked.voter_id, error)
        else:
            found = channel.supported_features.get(KRAFT_VERSION, (0, 0))
            channel.close()
        self._tell(VoterProbed(asked.voter_id, found))

    def close(self) -> None:
        """No outcome is told any more."""
        self._is_closed = True
        for peer in self._peers.values():
            peer.close()

    def _fail_soon(self, node_id: int, message: Message) -> None:
        asyncio.get_running_loop().call_soon(self._tell, Unanswered(node_id, message))

    async def _connect(self, peer: _Peer) -> None:
        host, port = peer.address
        try:
            channel = await open_channel(
                host, port, client_id=self._client_id, timeout_s=self._timeout_s
            )
        except ConnectFailed as error:
            waiting, peer.waiting = peer.waiting, []
            for message in waiting:
                self._tell(Unanswered(peer.node_id, message, refused=error.refused))
            return
        waiting, peer.waiting = peer.waiting, []
        if peer.is_closed:
            channel.close()
            for message in waiting:
                self._tell(Unanswered(peer.node_id, message))
            return
        peer.channel = channel
        for message in waiting:
            self._submit(peer, channel, message)

    def _submit(self, peer: _Peer, channel: Channel, message: Message) -> None:
        try:
            version = channel.version_of(message.api_key)
            body = encode_parts(
                fetch_request_in(message, version)
                if isinstance(message, FetchRequest)
                else message,
                version,
            )
        except (UnsupportedApi, UnsupportedVersion):
            self._fail_soon(peer.node_id, message)
            return
        read = decoder(response_class(message.api_key), version)

        def deliver(frame: Buffer | None, position: int, failure: ChannelError | None) -> None:
            if frame is None:
                self._tell(Unanswered(peer.node_id, message))
            else:
                self._tell(Answered(peer.node_id, message, read(frame, position)[0]))

        channel.submit(message.api_key, version, body, self._timeout_s, deliver)

    def _tell(self, outcome: Answered | Unanswered | VoterProbed) -> None:
        if not self._is_closed:
            self._outcome(outcome)


class _Peer:
    """One node at one address. `waiting` is what was asked while it is being connected to."""

    __slots__ = ("address", "channel", "is_closed", "node_id", "waiting")

    def __init__(self, node_id: int, address: tuple[str, int]) -> None:
        self.node_id = node_id
        self.address = address
        self.channel: Channel | None = None
        self.waiting: list[Message] = []
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        if self.channel is not None:
            self.channel.close()
