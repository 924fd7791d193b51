"""Who leads: pre-votes, votes, the leader's announcements, resignation.

A voter that misses its leader first asks who *would* vote for it (`Prospective`, KIP-996): whoever
still fetches from a leader says no, so that a node that was only cut off disturbs nobody. With a
majority of such promises it raises the epoch and asks for votes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.protocol.errors import ErrorCode
from minikafka.raft.messages import (
    LeaderAndEpoch,
    begin_response,
    end_request,
    end_response,
    vote_request,
    vote_response,
)
from minikafka.raft.states import (
    Candidate,
    Follower,
    Leader,
    Prospective,
    Resigned,
    Unattached,
    Vote,
)
from minikafka.raft.voters import NO_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from minikafka.protocol.messages.begin_quorum_epoch import BeginQuorumEpochRequest
    from minikafka.protocol.messages.end_quorum_epoch import (
        EndQuorumEpochRequest,
        EndQuorumEpochRequestPartitionData,
    )
    from minikafka.protocol.messages.vote import (
        VoteRequest,
        VoteRequestPartitionData,
        VoteResponse,
    )
    from minikafka.raft.core import Core
    from minikafka.raft.voters import ReplicaKey


class Elections:
    """The part of the machine that elects; `lead` is called with the votes that won."""

    def __init__(self, core: Core, lead: Callable[[int, tuple[int, ...]], None]) -> None:
        self._core = core
        self._lead = lead
        self._lost_rounds = 0

    # --- standing for election

    def start(self) -> None:
        """The node takes part from now on: alone it leads at once, else it looks for a leader."""
        core = self._core
        if core.voters.is_sole(core.node_id, core.directory_id):
            # Its own vote is the majority: nobody need be asked, and no timeout awaited.
            self._stand()
        elif isinstance(core.state, Resigned):
            # It has led this epoch in its former life: say that it does so no more.
            core.state.deadline_ms = core.now_ms + core.timeouts.election(core.draw())
            self._tell_end(core.state.epoch, [])
        else:
            core.detach(core.epoch)

    def timed_out(self) -> None:
        """The deadline of a state that is no leader's has come."""
        core = self._core
        state = core.state
        if isinstance(state, Resigned):
            core.detach(state.epoch + 1)
        elif not core.may_stand:
            core.detach(core.epoch)
        elif isinstance(state, (Unattached, Follower)):
            self._ask_beforehand()
        elif isinstance(state, Prospective):
            self._give_up(state)
        elif isinstance(state, Candidate):
            if state.is_waiting:
                self._ask_beforehand()
            else:
                self._wait(state)

    def refused_by_leader(self) -> None:
        """Nobody listens any more where the leader of this follower did: do not wait it out."""
        core = self._core
        state = core.state
        if isinstance(state, Follower) and not state.leader_refused:
            state.leader_refused = True
            if core.may_stand:
                soon_ms = core.now_ms + core.timeouts.refused(core.draw())
                state.deadline_ms = min(state.deadline_ms, soon_ms)

    def nobody_known_at(self, node_id: int) -> None:
        """A voter says that it knows of no leader; when a majority says so, none will come."""
        core = self._core
        state = core.state
        if not isinstance(state, Unattached) or not core.may_stand:
            return
        state.leaderless[node_id] = None
        known = {core.node_id, *state.leaderless}
        if len(known.intersection(core.voters.ids)) == core.voters.majority:
            soon_ms = core.now_ms + core.timeouts.fresh(core.draw())
            state.deadline_ms = min(state.deadline_ms, soon_ms)

    def _ask_beforehand(self) -> None:
        core = self._core
        deadline_ms = core.now_ms + core.timeouts.election(core.draw())
        state = Prospective(
            core.epoch, core.node_id, core.state.leader_id, core.state_vote(), deadline_ms
        )
        core.enter(state)
        if state.has_majority(core.voters):
            self._stand()
        else:
            self._ask_voters(pre_vote=True)

    def _stand(self) -> None:
        core = self._core
        deadline_ms = core.now_ms + core.timeouts.election(core.draw())
        state = Candidate(core.epoch + 1, core.node_id, core.directory_id, deadline_ms)
        core.enter(state)
        if state.has_majority(core.voters):
            self._win(state)
        else:
            self._ask_voters(pre_vote=False)

    def _ask_voters(self, *, pre_vote: bool) -> None:
        for voter in self._core.other_voters():
            self._core.ask(voter[0], self._vote_request(voter, pre_vote=pre_vote))

    def _vote_request(self, voter: ReplicaKey, *, pre_vote: bool) -> VoteRequest:
        core = self._core
        return vote_request(
            core.cluster_id,
            core.key,
            voter,
            epoch=core.epoch,
            last_epoch=core.log.last_epoch,
            end_offset=core.log.log_end_offset,
            pre_vote=pre_vote,
        )

    def answered(self, node_id: int, request: VoteRequest, response: VoteResponse) -> None:
        """What a voter says to a request for its vote."""
        core = self._core
        if response.error_code or not response.topics or not response.topics[0].partitions:
            return
        data = response.topics[0].partitions[0]
        endpoint = next(
            ((e.host, e.port) for e in response.node_endpoints if e.node_id == data.leader_id), None
        )
        asked = request.topics[0].partitions[0]
        core.learn(
            data.leader_id if data.leader_epoch > asked.replica_epoch else -1,
            data.leader_epoch,
            endpoint,
        )
        state = core.state
        expected = Prospective if asked.pre_vote else Candidate
        if type(state) is not expected or asked.replica_epoch != core.epoch or data.error_code:
            return
        state.note(node_id, granted=data.vote_granted)
        if state.has_majority(core.voters):
            if isinstance(state, Candidate):
                self._win(state)
            else:
                self._stand()
        elif state.is_lost(core.voters):
            if isinstance(state, Candidate):
                self._wait(state)
            else:
                self._give_up(state)

    def unanswered(self, node_id: int, request: VoteRequest) -> None:
        """No answer: ask again while the round lasts."""
        core = self._core
        asked = request.topics[0].partitions[0]
        state = core.state
        expected = Prospective if asked.pre_vote else Candidate
        if type(state) is expected and asked.replica_epoch == core.epoch:
            state.note(node_id, granted=False)
            if state.is_lost(core.voters) and isinstance(state, Candidate):
                self._wait(state)
            elif state.is_lost(core.voters) and isinstance(state, Prospective):
                self._give_up(state)

    def _win(self, state: Candidate) -> None:
        self._lost_rounds = 0
        self._lead(state.epoch, tuple(state.granted))

    def _wait(self, state: Candidate) -> None:
        """This round is lost: let others have theirs."""
        core = self._core
        if state.is_waiting:
            return
        self._lost_rounds += 1
        state.is_waiting = True
        state.deadline_ms = core.now_ms + core.timeouts.backoff(self._lost_rounds, core.draw())

    def _give_up(self, state: Prospective) -> None:
        """A majority would not vote for this node: its leader may well be alive."""
        core = self._core
        if state.leader_id >= 0:
            core.follow(state.leader_id, state.epoch)
        else:
            self._lost_rounds += 1
            wait_ms = core.timeouts.backoff(self._lost_rounds, core.draw())
            core.detach(state.epoch, patience_ms=wait_ms)

    # --- voting

    def vote(self, token: object, request: VoteRequest) -> None:
        """Another node wants this one's vote, or to know whether it would get it."""
        core = self._core
        error = self._vote_error(request)
        if error:
            core.answer(token, vote_response(core.leader_and_epoch(), error))
            return
        asked = request.topics[0].partitions[0]
        if asked.replica_epoch < core.epoch:
            error = ErrorCode.FENCED_LEADER_EPOCH
            core.answer(token, vote_response(core.leader_and_epoch(), error))
            return
        if asked.replica_epoch > core.epoch:
            core.detach(asked.replica_epoch)
        granted = self._would_grant(asked) if asked.pre_vote else self._grant(asked)
        core.answer(token, vote_response(core.leader_and_epoch(), granted=granted))

    def _vote_error(self, request: VoteRequest) -> ErrorCode:
        asked = request.topics[0].partitions[0]
        epoch_limit = asked.replica_epoch + (1 if asked.pre_vote else 0)
        if asked.last_offset < 0 or not 0 <= asked.last_offset_epoch < max(epoch_limit, 1):
            return ErrorCode.INVALID_REQUEST
        if not self._is_meant(request.voter_id, asked.voter_directory_id):
            return ErrorCode.INVALID_VOTER_KEY
        return ErrorCode.NONE

    def _is_meant(self, voter_id: int, directory_id: UUID) -> bool:
        """Whether this very replica is asked, as far as the request says who is."""
        core = self._core
        directory_fits = directory_id in (NO_DIRECTORY, core.directory_id)
        return voter_id in (-1, core.node_id) and directory_fits

    def _would_grant(self, asked: VoteRequestPartitionData) -> bool:
        state = self._core.state
        if isinstance(state, Leader):
            return False
        if isinstance(state, Follower) and state.has_fetched and not state.leader_refused:
            return False
        return self._is_up_to_date(asked)

    def _grant(self, asked: VoteRequestPartitionData) -> bool:
        core = self._core
        state = core.state
        if not isinstance(state, (Unattached, Prospective)) or state.leader_id >= 0:
            return False
        if state.vote.is_for(asked.replica_id, asked.replica_directory_id):
            return True
        if not state.vote.is_free or not self._is_up_to_date(asked):
            return False
        vote = Vote(asked.replica_id, asked.replica_directory_id)
        patience_ms = core.timeouts.election(core.draw())
        core.enter(Unattached(core.epoch, vote, core.now_ms + patience_ms))
        return True

    def _is_up_to_date(self, asked: VoteRequestPartitionData) -> bool:
        log = self._core.log
        return (asked.last_offset_epoch, asked.last_offset) >= (log.last_epoch, log.log_end_offset)

    # --- announcements

    def begin(self, token: object, request: BeginQuorumEpochRequest) -> None:
        """A leader makes itself known."""
        core = self._core
        data = request.topics[0].partitions[0]
        if data.leader_epoch < core.epoch:
            error = ErrorCode.FENCED_LEADER_EPOCH
            core.answer(token, begin_response(core.leader_and_epoch(), error))
            return
        if not self._is_meant(request.voter_id, data.voter_directory_id):
            error = ErrorCode.INVALID_VOTER_KEY
            core.answer(token, begin_response(core.leader_and_epoch(), error))
            return
        endpoint = next(((e.host, e.port) for e in request.leader_endpoints), None)
        core.learn(data.leader_id, data.leader_epoch, endpoint)
        core.answer(token, begin_response(core.leader_and_epoch()))

    def end(self, token: object, request: EndQuorumEpochRequest) -> None:
        """The leader goes; the first of its preferred successors stands at once."""
        core = self._core
        data = request.topics[0].partitions[0]
        if data.leader_epoch < core.epoch:
            error = ErrorCode.FENCED_LEADER_EPOCH
            core.answer(token, end_response(core.leader_and_epoch(), error))
            return
        core.learn(data.leader_id, data.leader_epoch)
        core.ended_epoch = max(core.ended_epoch, data.leader_epoch)
        if isinstance(core.state, Follower) and core.state.leader_id == data.leader_id:
            self._succeed(data)
        core.answer(token, end_response(core.leader_and_epoch()))

    def _succeed(self, data: EndQuorumEpochRequestPartitionData) -> None:
        core = self._core
        candidates = [found.candidate_id for found in data.preferred_candidates]
        candidates = candidates or list(data.preferred_successors)
        if not core.may_stand:
            core.detach(core.epoch)
        elif candidates and candidates[0] == core.node_id:
            core.detach(core.epoch, patience_ms=0)
            self._ask_beforehand()
        elif core.node_id in candidates:
            place = candidates.index(core.node_id)
            core.detach(core.epoch, patience_ms=core.timeouts.backoff(place, core.draw()))
        else:
            core.detach(core.epoch)

    def resign(self, state: Leader) -> None:
        """Stop leading and say so; the voter that has most of the log should follow."""
        core = self._core
        ends = state.progress.end_offsets(core.voters)
        others = sorted(core.other_voters(), key=lambda key: -ends.get(key[0], -1))
        deadline_ms = core.now_ms + core.timeouts.election(core.draw())
        core.enter(Resigned(state.epoch, core.node_id, deadline_ms))
        self._tell_end(state.epoch, others)

    def _tell_end(self, epoch: int, successors: list[ReplicaKey]) -> None:
        core = self._core
        core.ended_epoch = epoch
        leader = LeaderAndEpoch(core.node_id, epoch)
        for node_id, _ in core.other_voters():
            core.ask(node_id, end_request(core.cluster_id, leader, successors))
