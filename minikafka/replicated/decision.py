"""What a command of a replicated state machine comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

RecordsT = TypeVar("RecordsT", bound="Sequence[object]", covariant=True)
ResponseT = TypeVar("ResponseT", covariant=True)


class Decision(Generic[RecordsT, ResponseT]):
    """Records to append, and the response to give once they are committed.

    Deciding has changed nothing that is replicated: a decision whose append fails never happened.
    """

    __slots__ = ("records", "response")

    def __init__(self, records: RecordsT, response: ResponseT) -> None:
        self.records = records
        self.response = response

    def __repr__(self) -> str:
        return f"Decision({len(self.records)} records, {self.response!r})"
