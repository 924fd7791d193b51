"""What a command of the controller comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.metadata.replay import MetadataRecord

ResponseT = TypeVar("ResponseT", covariant=True)


class Decision(Generic[ResponseT]):
    """Records to append, and the answer to give once they are committed.

    An `atomic` decision goes into one batch, so that it happens as a whole or not at all. One that
    is not may be cut between records when it is large (the leaders of ten thousand partitions).
    """

    __slots__ = ("atomic", "records", "response")

    def __init__(
        self, records: Sequence[MetadataRecord], response: ResponseT, *, atomic: bool = True
    ) -> None:
        self.records = records
        self.response = response
        self.atomic = atomic

    def __repr__(self) -> str:
        return f"Decision({len(self.records)} records, {self.response!r})"
