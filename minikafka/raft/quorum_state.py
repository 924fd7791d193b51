"""The `quorum-state` file: what a node must not forget about elections.

It is on disk before any vote is answered and before any epoch is acted upon; a node that forgot its
vote could vote twice. JSON as Kafka writes it: data_version 0 with static voters (kraft.version 0),
data_version 1, which also knows the directory voted for, with dynamic ones.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from json import loads
from typing import TYPE_CHECKING
from uuid import UUID

from minikafka.raft.voters import NO_DIRECTORY

if TYPE_CHECKING:
    from minikafka.raft.voters import VoterSet

FILE_NAME = "quorum-state"
NOBODY = -1


class QuorumState:
    """Who leads `epoch` as far as this node knows, or for whom it has voted in it."""

    __slots__ = ("epoch", "leader_id", "voted_directory_id", "voted_id")

    def __init__(
        self,
        epoch: int = 0,
        leader_id: int = NOBODY,
        voted_id: int = NOBODY,
        voted_directory_id: UUID = NO_DIRECTORY,
    ) -> None:
        self.epoch = epoch
        self.leader_id = leader_id
        self.voted_id = voted_id
        self.voted_directory_id = voted_directory_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QuorumState) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.epoch, self.leader_id, self.voted_id))

    def __repr__(self) -> str:
        return f"QuorumState(epoch {self.epoch}, leader {self.leader_id}, voted {self.voted_id})"

    def encode(self, kraft_version: int, voters: VoterSet) -> bytes:
        """The file's content; `voters` are listed with static voters only, as in Kafka."""
        if kraft_version == 0:
            listed = ",".join(f'{{"voterId":{node_id}}}' for node_id in voters.ids)
            return (
                f'{{"clusterId":"","leaderId":{self.leader_id},"leaderEpoch":{self.epoch},'
                f'"votedId":{self.voted_id},"appliedOffset":0,"currentVoters":[{listed}],'
                '"data_version":0}'
            ).encode()
        directory = urlsafe_b64encode(self.voted_directory_id.bytes).decode().rstrip("=")
        return (
            f'{{"leaderId":{self.leader_id},"leaderEpoch":{self.epoch},'
            f'"votedId":{self.voted_id},"votedDirectoryId":"{directory}","data_version":1}}'
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> QuorumState:
        """Either version of the file. ValueError says what is wrong with it."""
        try:
            values = loads(data)
            if values["data_version"] not in (0, 1):
                raise ValueError(f"data_version {values['data_version']}, only 0 and 1 are known")
            directory = values.get("votedDirectoryId")
            return cls(
                epoch=int(values["leaderEpoch"]),
                leader_id=int(values["leaderId"]),
                voted_id=int(values["votedId"]),
                voted_directory_id=(
                    UUID(bytes=urlsafe_b64decode(directory + "==")) if directory else NO_DIRECTORY
                ),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"quorum-state without a proper {error}") from error
