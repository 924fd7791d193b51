"""What other nodes ask of this one: checked here, decided by the raft machine, completed here with
what only the disk has, the records of a Fetch and the bytes of a FetchSnapshot.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from minikafka.protocol.apis import ApiKey, response_class
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse
from minikafka.protocol.messages.fetch_snapshot import (
    FetchSnapshotRequest,
    FetchSnapshotResponse,
    SnapshotId,
)
from minikafka.raft.effects import RecordsReply, SnapshotReply
from minikafka.raft.events import Requested
from minikafka.raft.messages import METADATA_TOPIC, is_for_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.broker.quorum_log import QuorumLog
    from minikafka.protocol.types import Message
    from minikafka.raft.effects import Reply

_NODE_ENDPOINTS_SINCE: dict[int, int] = {
    ApiKey.VOTE: 1,
    ApiKey.BEGIN_QUORUM_EPOCH: 1,
    ApiKey.END_QUORUM_EPOCH: 1,
    ApiKey.FETCH: 16,
    ApiKey.FETCH_SNAPSHOT: 1,
}
_ABOUT_VOTERS = (ApiKey.ADD_RAFT_VOTER, ApiKey.REMOVE_RAFT_VOTER, ApiKey.UPDATE_RAFT_VOTER)


class QuorumServing:
    """Hands requests to the machine by `take`, and its replies to who waits for them."""

    def __init__(self, cluster_id: str, log: QuorumLog, take: Callable[[Requested], None]) -> None:
        self._cluster_id = cluster_id
        self._log = log
        self._take = take
        # A dict, for futures are hashed by identity; the machine's tokens.
        self._waiting: dict[asyncio.Future[Message], None] = {}
        self._is_closed = False

    async def serve(self, request: Message, version: int) -> Message:
        """The answer to a Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch or FetchSnapshot, or to
        what changes voters.
        """
        error = self._error(request)
        if error:
            refusal: Any = response_class(request.api_key)()
            refusal.error_code = error
            return refusal  # type: ignore[no-any-return]
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[answer] = None
        try:
            self._take(Requested(answer, request))
            response: Any = await answer
        finally:
            del self._waiting[answer]
        if version < _NODE_ENDPOINTS_SINCE.get(request.api_key, 0):
            response.node_endpoints = []
        return response  # type: ignore[no-any-return]

    def _error(self, request: Any) -> ErrorCode:
        if self._is_closed:
            return ErrorCode.NOT_CONTROLLER
        # A voter that updates itself is told the leader in any case, which the machine knows.
        is_update = request.api_key == ApiKey.UPDATE_RAFT_VOTER
        if not is_update and request.cluster_id not in (None, self._cluster_id):
            return ErrorCode.INCONSISTENT_CLUSTER_ID
        if request.api_key not in _ABOUT_VOTERS and not _is_about_the_quorum(request):
            return ErrorCode.INVALID_REQUEST
        return ErrorCode.NONE

    def reply(self, reply: Reply | RecordsReply | SnapshotReply) -> None:
        """The machine has an answer."""
        if isinstance(reply, RecordsReply):
            assert isinstance(reply.message, FetchResponse)
            data = reply.message.responses[0].partitions[0]
            data.records = self._log.read(reply.offset, reply.max_bytes)
        elif isinstance(reply, SnapshotReply):
            assert isinstance(reply.message, FetchSnapshotResponse)
            assert isinstance(reply.request, FetchSnapshotRequest)
            self._add_snapshot(reply.request, reply.message, reply.max_bytes)
        answer = reply.token
        assert isinstance(answer, asyncio.Future)
        if not answer.done():
            answer.set_result(reply.message)

    def close(self) -> None:
        """Nobody is answered any more."""
        self._is_closed = True
        for answer in self._waiting:
            answer.cancel()

    def _add_snapshot(
        self, request: FetchSnapshotRequest, response: FetchSnapshotResponse, max_bytes: int
    ) -> None:
        asked = request.topics[0].partitions[0]
        data = response.topics[0].partitions[0]
        end_offset, epoch = asked.snapshot_id.end_offset, asked.snapshot_id.epoch
        found = self._log.read_snapshot(end_offset, epoch, max(asked.position, 0), max_bytes)
        if found is None:
            data.error_code = ErrorCode.SNAPSHOT_NOT_FOUND
            return
        size, chunk = found
        if not 0 <= asked.position < size:
            data.error_code = ErrorCode.POSITION_OUT_OF_RANGE
            return
        data.snapshot_id = SnapshotId(end_offset=end_offset, epoch=epoch)
        data.size = size
        data.position = asked.position
        data.unaligned_records = chunk


def _is_about_the_quorum(request: Any) -> bool:
    """Whether it names the one partition of the quorum and nothing else."""
    if isinstance(request, FetchRequest):
        return is_for_metadata(request)
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return False
    topic = request.topics[0]
    if isinstance(request, FetchSnapshotRequest):
        return bool(topic.name == METADATA_TOPIC and topic.partitions[0].partition == 0)
    return bool(topic.topic_name == METADATA_TOPIC and topic.partitions[0].partition_index == 0)
