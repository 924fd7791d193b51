"""Who votes. Static voters come from `controller.quorum.voters`, dynamic ones from records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_DIRECTORY: Final = UUID(int=0)
"""The directory id of a static voter: with kraft.version 0 a voter is known by node id alone."""

KRAFT_VERSIONS: Final = (0, 1)
"""What this version supports of kraft.version: 0 static voters, 1 voters that are records."""

VoterEndpoint = tuple[str, str, int]
"""(listener name, host, port)"""

ReplicaKey = tuple[int, UUID]
"""(node id, directory id); NO_DIRECTORY where it is not known"""


class Voter:
    """A voter is a node id *and* a directory: a wiped disk makes another voter of it (KIP-853)."""

    __slots__ = ("directory_id", "endpoints", "kraft_versions", "node_id")

    def __init__(
        self,
        node_id: int,
        directory_id: UUID = NO_DIRECTORY,
        endpoints: Iterable[VoterEndpoint] = (),
        kraft_versions: tuple[int, int] = (0, 0),
    ) -> None:
        self.node_id = node_id
        self.directory_id = directory_id
        self.endpoints = tuple(endpoints)
        self.kraft_versions = kraft_versions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Voter) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.node_id, self.directory_id))

    def __repr__(self) -> str:
        return f"Voter({self.node_id}, {self.directory_id})"


class VoterSet:
    """The voters in the order in which they were given; never changed, only replaced."""

    __slots__ = ("_by_id",)

    def __init__(self, voters: Iterable[Voter]) -> None:
        self._by_id = {voter.node_id: voter for voter in voters}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Voter]:
        return iter(self._by_id.values())

    def __contains__(self, node_id: int) -> bool:
        return node_id in self._by_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VoterSet) and self._by_id == other._by_id

    def __hash__(self) -> int:
        return hash(self.ids)

    def __repr__(self) -> str:
        return f"VoterSet({list(self._by_id)})"

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(self._by_id)

    @property
    def majority(self) -> int:
        """How many voters decide."""
        return len(self._by_id) // 2 + 1

    def is_voter(self, node_id: int, directory_id: UUID) -> bool:
        """Whether this replica votes; a static voter may have any directory."""
        voter = self._by_id.get(node_id)
        if voter is None:
            return False
        return directory_id == NO_DIRECTORY or voter.directory_id in (NO_DIRECTORY, directory_id)

    def has(self, key: ReplicaKey) -> bool:
        """Whether just this replica votes, by its record."""
        voter = self._by_id.get(key[0])
        return voter is not None and voter.directory_id == key[1]

    def with_voter(self, voter: Voter) -> VoterSet:
        """The set with this voter, in the place of the one with its id."""
        return VoterSet((self._by_id | {voter.node_id: voter}).values())

    def directory_of(self, node_id: int) -> UUID:
        """The directory of a voter as far as known."""
        voter = self._by_id.get(node_id)
        return NO_DIRECTORY if voter is None else voter.directory_id

    def endpoint_of(self, node_id: int) -> tuple[str, int] | None:
        """(host, port) of a voter's first endpoint, if it has told any."""
        voter = self._by_id.get(node_id)
        if voter is None or not voter.endpoints:
            return None
        _, host, port = voter.endpoints[0]
        return host, port

    def is_sole(self, node_id: int, directory_id: UUID) -> bool:
        """Whether this replica is a majority by itself."""
        return len(self._by_id) == 1 and self.is_voter(node_id, directory_id)


class VoterHistory:
    """The voter sets that the log has held, by the offset of their record: a set counts from the
    moment it is appended, and no longer once its record has been cut off.
    """

    __slots__ = ("_sets",)

    def __init__(self, voters: VoterSet, kraft_version: int) -> None:
        self._sets: list[tuple[int, int, VoterSet]] = [(-1, kraft_version, voters)]

    @property
    def voters(self) -> VoterSet:
        return self._sets[-1][2]

    @property
    def kraft_version(self) -> int:
        return self._sets[-1][1]

    @property
    def offset(self) -> int:
        """Where the latest set was written; -1 for the one that the node started with."""
        return self._sets[-1][0]

    def before(self, end_offset: int) -> tuple[int, VoterSet]:
        """(kraft.version, voters) by the records below `end_offset`: what a snapshot of them says.

        What was in a snapshot that this history began with counts as below.
        """
        for offset, kraft_version, voters in reversed(self._sets):
            if offset < end_offset:
                return kraft_version, voters
        raise AssertionError("the first set has no offset")

    def may_be_needed(self, key: ReplicaKey, high_watermark: int) -> bool:
        """Whether this replica votes by the latest set, or by one that is not yet superseded for
        good: what removes it may have reached nobody else, who then cannot win without it.
        """
        for offset, _, voters in reversed(self._sets):
            if voters.is_voter(*key):
                return True
            if offset < high_watermark:
                return False
        return False

    def add(self, offset: int, voters: VoterSet | None, kraft_version: int | None) -> None:
        """A record at `offset` changes the voters, the version, or both."""
        self._sets.append(
            (
                offset,
                self.kraft_version if kraft_version is None else kraft_version,
                self.voters if voters is None else voters,
            )
        )

    def truncate(self, end_offset: int) -> None:
        """The log has been cut to `end_offset`."""
        while len(self._sets) > 1 and self._sets[-1][0] >= end_offset:
            self._sets.pop()

    def restart(self, voters: VoterSet | None, kraft_version: int) -> None:
        """A snapshot has taken the place of the log."""
        self._sets = [(-1, kraft_version, voters if voters is not None else self.voters)]
