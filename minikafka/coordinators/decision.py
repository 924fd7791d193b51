"""What a command of a coordinator comes to: records to append, and answers to give afterwards.

One command may answer many requests: the last JoinGroup of a generation answers all that were
parked. So an answer names the waiter whom it is for; a waiter that is not named stays parked.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from minikafka.protocol.errors import KafkaError
from minikafka.protocol.types import Message
from minikafka.replicated import decision


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


class Decision(decision.Decision[list[Record], list[Answer]]):
    """Records, and answers to any number of waiters; filled while a command is decided."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__([], [])

    @property
    def answers(self) -> list[Answer]:
        """Whom to answer, and what; without records, when everything before is committed."""
        return self.response

    def answer(self, waiter: Waiter, response: Any) -> None:
        """Answer `waiter` when the records are committed."""
        self.response.append((waiter, response))
