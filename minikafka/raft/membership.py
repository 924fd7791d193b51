"""What a node asks of the leader about itself: to know where it listens, or to let it vote.

A voter tells where it listens and which kraft.version it supports (UpdateRaftVoter) when its record
says otherwise. With kraft.version 0 it has no record and tells every leader once, which then knows
what to write when the cluster goes over to records. A controller that does not vote joins by itself
where that is wanted (KIP-1186): first its former directory leaves the voters, then it is added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.protocol.messages.update_raft_voter import (
    UpdateRaftVoterRequest,
    UpdateRaftVoterResponse,
)
from minikafka.raft.core import voters_with_own_endpoints
from minikafka.raft.messages import add_voter_request, remove_voter_request, update_voter_request
from minikafka.raft.states import Follower
from minikafka.raft.voters import KRAFT_VERSIONS, Voter

if TYPE_CHECKING:
    from minikafka.protocol.types import Message
    from minikafka.raft.core import Core


class Membership:
    """The part of the machine that speaks for its own record; idle while the node leads."""

    def __init__(self, core: Core, *, auto_join: bool) -> None:
        self._core = core
        self._auto_join = auto_join
        self._ask_ms = 0
        self._told_epoch = -1

    def ask_if_due(self) -> None:
        """Ask the leader once, and again after the fetch timeout while nothing has come of it."""
        core = self._core
        state = core.state
        if not isinstance(state, Follower) or not state.has_fetched or not core.own_endpoints:
            return
        if core.now_ms < self._ask_ms:
            return
        message = self._wanted(is_at_end=state.is_at_end)
        if message is not None:
            self._ask_ms = core.now_ms + core.timeouts.fetch_ms
            core.ask(state.leader_id, message)

    def _wanted(self, *, is_at_end: bool) -> Message | None:
        core = self._core
        own = Voter(core.node_id, core.directory_id, core.own_endpoints, KRAFT_VERSIONS)
        if core.history.kraft_version == 0:
            is_news = core.node_id in core.voters and self._told_epoch != core.epoch
            return update_voter_request(core.cluster_id, core.epoch, own) if is_news else None
        if core.voters.has(core.key):
            is_news = voters_with_own_endpoints(core) != core.voters
            return update_voter_request(core.cluster_id, core.epoch, own) if is_news else None
        if not self._auto_join or not is_at_end:
            return None  # the leader adds nobody whom it would have to wait for
        if core.node_id in core.voters:
            former = core.node_id, core.voters.directory_of(core.node_id)
            return remove_voter_request(core.cluster_id, former)
        return add_voter_request(core.cluster_id, own, core.timeouts.request_ms)

    def told(self, request: UpdateRaftVoterRequest, response: UpdateRaftVoterResponse) -> None:
        """The leader has taken note, or not."""
        if not response.error_code:
            self._told_epoch = request.current_leader_epoch
