"""Who votes. Static voters come from `controller.quorum.voters`, dynamic ones from records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_DIRECTORY: Final = UUID(int=0)
"""The directory id of a static voter: with kraft.version 0 a voter is known by node id alone."""

VoterEndpoint = tuple[str, str, int]
"""(listener name, host, port)"""


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
        return voter is not None and voter.directory_id in (NO_DIRECTORY, directory_id)

    def is_sole(self, node_id: int, directory_id: UUID) -> bool:
        """Whether this replica is a majority by itself."""
        return len(self._by_id) == 1 and self.is_voter(node_id, directory_id)
