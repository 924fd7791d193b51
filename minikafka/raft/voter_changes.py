"""The leader's part in changing who votes (KIP-853): add, remove and update a voter, and make
records of voters that were configured.

A change is a KRaftVoters record. The new set counts from the moment it is appended, so two sets in
a row must have a majority in common: they differ by one voter, and the next change waits until the
last one is committed, and until an entry of this epoch is (or the set of a former leader might be
undone behind a change that was built on it).

A voter that is added has been asked what it supports (`ProbeVoter`), and follows already: otherwise
the quorum would wait for it to fetch the whole log.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from minikafka.protocol.messages.remove_raft_voter import (
    RemoveRaftVoterRequest,
    RemoveRaftVoterResponse,
)
from minikafka.protocol.messages.update_raft_voter import UpdateRaftVoterRequest
from minikafka.raft.control import kraft_version_record, kraft_voters_record
from minikafka.raft.effects import ControlBatch, ProbeVoter
from minikafka.raft.events import KRaftVersionRaised, VoterProbed
from minikafka.raft.messages import update_voter_response
from minikafka.raft.progress import UNKNOWN_MS, UNKNOWN_OFFSET
from minikafka.raft.states import NEVER, Leader
from minikafka.raft.voters import KRAFT_VERSIONS, NO_DIRECTORY, Voter, VoterSet

if TYPE_CHECKING:
    from minikafka.raft.core import Core
    from minikafka.raft.voters import ReplicaKey

_NOT_SUPPORTED: Final = "Cluster doesn't support {} voter because the kraft.version feature is {}"
_PREVIOUS: Final = "Request timed out waiting for leader to handle previous voter change request"
_NO_HIGH_WATERMARK: Final = (
    "Request timed out waiting for leader to establish HWM and fence previous voter changes"
)


class _Pending:
    """The change that is under way. `offset` is that of its record once it is written."""

    __slots__ = ("deadline_ms", "offset", "request", "token")

    def __init__(
        self,
        token: object | None,
        request: AddRaftVoterRequest | RemoveRaftVoterRequest,
        deadline_ms: int,
    ) -> None:
        self.token = token
        self.request = request
        self.deadline_ms = deadline_ms
        self.offset = UNKNOWN_OFFSET


class VoterChanges:
    """One change at a time; nothing while the node does not lead."""

    def __init__(self, core: Core, listener_name: str) -> None:
        self._core = core
        self._listener_name = listener_name
        self._pending: _Pending | None = None

    def take(self, event: VoterProbed | KRaftVersionRaised) -> None:
        """What the host has found, and what the controller wants."""
        if isinstance(event, VoterProbed):
            self._probed(event)
        else:
            self._raise_kraft_version(event.level)

    # --- adding

    def add(self, token: object, request: AddRaftVoterRequest) -> None:
        """First its checks, then a look at what is to vote."""
        core = self._core
        key = (request.voter_id, request.voter_directory_id)
        endpoint = next((e for e in request.listeners if e.name == self._listener_name), None)
        if not isinstance(core.state, Leader):
            refusal = ErrorCode.NOT_LEADER_OR_FOLLOWER, ""
        elif request.voter_id < 0 or request.voter_directory_id == NO_DIRECTORY:
            text = "Add voter request didn't include a valid voter"
            refusal = ErrorCode.INVALID_REQUEST, text
        elif endpoint is None:
            refusal = (
                ErrorCode.INVALID_REQUEST,
                f"Add voter request didn't include the endpoint ({_endpoints(request)}) for the "
                f"default listener ListenerName({self._listener_name})",
            )
        else:
            refusal = self._refusal(core.state, "adding")
            if not refusal[0] and request.voter_id in core.voters:
                refusal = (
                    ErrorCode.DUPLICATE_VOTER,
                    f"The voter id for {_named(key)} is already part of the set of voters "
                    f"{_listed(core.voters)}.",
                )
        if refusal[0]:
            core.answer(token, _response(request, *refusal))
            return
        assert endpoint is not None, "one that is missing was refused"
        self._pending = _Pending(token, request, core.now_ms + core.timeouts.request_ms)
        core.emit(ProbeVoter(request.voter_id, endpoint.host, endpoint.port))

    def _probed(self, event: VoterProbed) -> None:
        """What is to vote has told which kraft.version it supports, or has not answered."""
        core, pending = self._core, self._pending
        if pending is None or pending.offset >= 0 or not isinstance(core.state, Leader):
            return
        request = pending.request
        if not isinstance(request, AddRaftVoterRequest) or request.voter_id != event.voter_id:
            return
        key = (request.voter_id, request.voter_directory_id)
        version = core.history.kraft_version
        supported = event.kraft_versions
        if supported is None:
            # Word for word what Apache Kafka says of one that it cannot connect to.
            text = (
                "Aborted add voter operation for since API_VERSIONS returned an error "
                "BROKER_NOT_AVAILABLE"
            )
            self._finish(ErrorCode.REQUEST_TIMED_OUT, text)
        elif not supported[0] <= version <= supported[1]:
            text = (
                f"Aborted add voter operation for {_named(key)} since the kraft.version range "
                f"(min: {supported[0]}, max: {supported[1]}) doesn't support the finalized "
                f"version {version}"
            )
            self._finish(ErrorCode.INVALID_REQUEST, text)
        elif not self._is_caught_up(core.state, key):
            text = f"Aborted add voter operation for {_named(key)} since it is lagging behind"
            self._finish(ErrorCode.REQUEST_TIMED_OUT, text)
        else:
            endpoints = [(e.name, e.host, e.port) for e in request.listeners]
            voter = Voter(key[0], key[1], endpoints, supported)
            self._append(pending, VoterSet([*core.voters, voter]))
            if not request.ack_when_committed:
                self._finish(ErrorCode.NONE, None)

    def _is_caught_up(self, state: Leader, key: ReplicaKey) -> bool:
        replica = state.progress.of(key)
        patience_ms = self._core.timeouts.check_quorum_ms
        recently = self._core.now_ms - replica.caught_up_ms <= patience_ms
        return replica.caught_up_ms != UNKNOWN_MS and recently

    # --- removing

    def remove(self, token: object, request: RemoveRaftVoterRequest) -> None:
        """Take a voter out; the leader itself stays until that is committed."""
        core = self._core
        key = (request.voter_id, request.voter_directory_id)
        if not isinstance(core.state, Leader):
            refusal = ErrorCode.NOT_LEADER_OR_FOLLOWER, ""
        elif request.voter_id < 0 or request.voter_directory_id == NO_DIRECTORY:
            text = "Remove voter request didn't include a valid voter"
            refusal = ErrorCode.INVALID_REQUEST, text
        else:
            refusal = self._refusal(core.state, "removing")
            if not refusal[0] and core.voters.is_sole(*key):
                refusal = ErrorCode.INVALID_REQUEST, "Cannot remove the last voter"
            elif not refusal[0] and not core.voters.has(key):
                refusal = (
                    ErrorCode.VOTER_NOT_FOUND,
                    f"Cannot remove voter {_named(key)} from the set of voters "
                    f"{_listed(core.voters)}",
                )
        if refusal[0]:
            core.answer(token, _response(request, *refusal))
            return
        pending = _Pending(token, request, core.now_ms + core.timeouts.request_ms)
        self._pending = pending
        remaining = [voter for voter in core.voters if voter.node_id != request.voter_id]
        self._append(pending, VoterSet(remaining))

    # --- updating

    def update(self, token: object, request: UpdateRaftVoterRequest) -> None:
        """A voter listens elsewhere than the set says, or supports other versions."""
        core = self._core
        error = self._update_error(request)
        if not error:
            feature = request.kraft_version_feature
            updated = Voter(
                request.voter_id,
                request.voter_directory_id,
                [(e.name, e.host, e.port) for e in request.listeners],
                (feature.min_supported_version, feature.max_supported_version),
            )
            assert isinstance(core.state, Leader), "nobody else takes note"
            voters = core.voters.with_voter(updated)
            if core.history.kraft_version == 0:
                core.state.told[updated.node_id] = updated
            elif voters != core.voters:
                self._append(None, voters)
        core.answer(token, update_voter_response(core.leader_and_epoch(), error))

    def _update_error(self, request: UpdateRaftVoterRequest) -> ErrorCode:
        core, feature = self._core, request.kraft_version_feature
        version = core.history.kraft_version
        if request.cluster_id is not None and core.cluster_id not in (None, request.cluster_id):
            return ErrorCode.INCONSISTENT_CLUSTER_ID
        if request.current_leader_epoch < core.epoch:
            return ErrorCode.FENCED_LEADER_EPOCH
        if request.current_leader_epoch > core.epoch:
            return ErrorCode.UNKNOWN_LEADER_EPOCH
        if not isinstance(core.state, Leader):
            return ErrorCode.NOT_LEADER_OR_FOLLOWER
        if request.voter_id < 0 or request.voter_directory_id == NO_DIRECTORY:
            return ErrorCode.INVALID_REQUEST
        if all(e.name != self._listener_name for e in request.listeners):
            return ErrorCode.INVALID_REQUEST
        if not feature.min_supported_version <= version <= feature.max_supported_version:
            return ErrorCode.INVALID_REQUEST
        if version == 0:
            # Voters of the configuration: nothing is written of them.
            return ErrorCode.NONE if request.voter_id in core.voters else ErrorCode.VOTER_NOT_FOUND
        refusal, _ = self._refusal(core.state, "updating")
        if refusal:
            return refusal
        key = (request.voter_id, request.voter_directory_id)
        return ErrorCode.NONE if core.voters.has(key) else ErrorCode.VOTER_NOT_FOUND

    # --- from configured voters to records

    def as_records(self, level: int) -> VoterSet | None:
        """The configured voters as their records will be; None unless this node leads and knows of
        each voter where it is, in which directory, and that it supports this kraft.version.
        """
        core = self._core
        state = core.state
        if not isinstance(state, Leader):
            return None
        own = Voter(core.node_id, core.directory_id, core.own_endpoints, KRAFT_VERSIONS)
        told = state.told | {core.node_id: own}
        known = [told.get(node_id) for node_id in core.voters.ids]
        voters = VoterSet(voter for voter in known if voter is not None)
        is_fit = all(
            v.endpoints and v.kraft_versions[0] <= level <= v.kraft_versions[1] for v in voters
        )
        return voters if is_fit and len(voters) == len(core.voters) else None

    def _raise_kraft_version(self, level: int) -> None:
        """From here on voters are records; the first of them come with the version, in one batch.
        The set stays what it was, so nothing need be committed before.
        """
        core = self._core
        voters = self.as_records(level)
        assert voters is not None, "asked before"
        offset = core.next_offset
        records = (kraft_version_record(level), kraft_voters_record(voters))
        core.write(ControlBatch(records, offset, core.epoch))
        core.history.add(offset + 1, voters, level)

    # --- one at a time

    def _refusal(self, state: Leader, what: str) -> tuple[ErrorCode, str]:
        """Why nothing can be changed now; (NONE, "") if it can."""
        history, high_watermark = self._core.history, state.progress.high_watermark
        if self._pending is not None:
            return ErrorCode.REQUEST_TIMED_OUT, _PREVIOUS
        if high_watermark == UNKNOWN_OFFSET:
            return ErrorCode.REQUEST_TIMED_OUT, _NO_HIGH_WATERMARK
        if history.kraft_version == 0:
            return ErrorCode.UNSUPPORTED_VERSION, _NOT_SUPPORTED.format(what, 0)
        if history.offset >= high_watermark:
            return (
                ErrorCode.REQUEST_TIMED_OUT,
                "Request timed out waiting for voters to commit the latest voter change at "
                f"{history.offset} with HWM {high_watermark}",
            )
        return ErrorCode.NONE, ""

    def _append(self, pending: _Pending | None, voters: VoterSet) -> None:
        """Write the new set, which counts at once."""
        core = self._core
        offset = core.next_offset
        core.write(ControlBatch((kraft_voters_record(voters),), offset, core.epoch))
        core.history.add(offset, voters, None)
        if pending is not None:
            pending.offset = offset

    def advanced(self, high_watermark: int) -> bool:
        """So much is committed; whether this leader votes no more by it, and must resign."""
        pending = self._pending
        if pending is not None and 0 <= pending.offset < high_watermark:
            self._finish(ErrorCode.NONE, None)
        return not self._core.is_voter and self._core.history.offset < high_watermark

    def deadline_ms(self) -> int:
        return NEVER if self._pending is None else self._pending.deadline_ms

    def tick(self) -> None:
        """A change that takes too long is answered so; it may still come to be."""
        if self._core.now_ms >= self.deadline_ms():
            self._finish(ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT.message)

    def deposed(self) -> None:
        if self._pending is not None:
            code = ErrorCode.NOT_LEADER_OR_FOLLOWER
            self._finish(code, code.message)

    def _finish(self, error: ErrorCode, text: str | None) -> None:
        pending = self._pending
        assert pending is not None
        self._pending = None
        self._core.answer(pending.token, _response(pending.request, error, text))


def _response(
    request: AddRaftVoterRequest | RemoveRaftVoterRequest, error: ErrorCode, text: str | None
) -> AddRaftVoterResponse | RemoveRaftVoterResponse:
    if isinstance(request, AddRaftVoterRequest):
        return AddRaftVoterResponse(error_code=error, error_message=text)
    return RemoveRaftVoterResponse(error_code=error, error_message=text)


def _endpoints(request: AddRaftVoterRequest) -> str:
    """What a new voter listens on, as Apache Kafka writes it down."""
    listed = [f"ListenerName({e.name})={e.host}/<unresolved>:{e.port}" for e in request.listeners]
    return f"Endpoints(endpoints={{{', '.join(listed)}}})"


def _named(key: ReplicaKey) -> str:
    directory = urlsafe_b64encode(key[1].bytes).decode().rstrip("=")
    return f"ReplicaKey(id={key[0]}, directoryId={directory})"


def _listed(voters: VoterSet) -> str:
    return f"[{', '.join(_named((voter.node_id, voter.directory_id)) for voter in voters)}]"
