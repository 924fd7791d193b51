"""What a command of the controller comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from minikafka.replicated import decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.metadata.replay import MetadataRecord

ResponseT = TypeVar("ResponseT", covariant=True)


class Decision(decision.Decision["Sequence[MetadataRecord]", ResponseT]):
    """Metadata records, and the response to the one request that asked.

    An `atomic` decision goes into one batch, so that it happens as a whole or not at all. One that
    is not may be cut between records when it is large (the leaders of ten thousand partitions).
    `kraft_version`: the quorum is to raise its own to this; its records are none of the metadata's.
    """

    __slots__ = ("atomic", "kraft_version")

    def __init__(
        self,
        records: Sequence[MetadataRecord],
        response: ResponseT,
        *,
        atomic: bool = True,
        kraft_version: int | None = None,
    ) -> None:
        super().__init__(records, response)
        self.atomic = atomic
        self.kraft_version = kraft_version
