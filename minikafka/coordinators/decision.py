"""What a command of a coordinator comes to: records to append, and answers to give afterwards.

One command may answer many requests: the last JoinGroup of a generation answers all that were
parked. So an answer names the waiter whom it is for; a waiter that is not named stays parked.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from minikafka.protocol.errors import KafkaError
from minikafka.protocol.types import Message


class Moment(NamedTuple):
    """When a command is decided: `now_ms` for liveness (loop time), `wall_ms` for timestamps."""

    now_ms: int
    wall_ms: int


class Record(NamedTuple):
    """A record of a coordinator's topic; without a value it is a tombstone."""

    key: Message
    value: Message | None
    version: int = 0


class Waiter(Protocol):
    """A request that waits for its answer; gets exactly one."""

    def answer(self, response: Any) -> None:
        """The response, or this waiter's part of one."""
        ...

    def fail(self, error: KafkaError) -> None:
        """The request is refused as a whole."""
        ...


Answer = tuple[Waiter, Any]
"""(who, the response or a part of one, or the KafkaError that refuses it)"""


class Decision:
    """Filled while a command is decided.

    The host appends `records`, replays them, and gives the `answers` when they are committed;
    answers without records wait for everything appended before them.
    """

    __slots__ = ("answers", "records")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.answers: list[Answer] = []

    def answer(self, waiter: Waiter, response: Any) -> None:
        """Answer `waiter` when the records are committed."""
        self.answers.append((waiter, response))
