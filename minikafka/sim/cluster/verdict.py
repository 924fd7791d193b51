"""What a run has come to: broken promises, and the branches that it has reached.

A checker that finds nothing wrong proves little if nothing interesting has happened. `reached`
counts what did; over a batch of seeds every branch has to occur (`BRANCHES`).
"""

from collections.abc import Callable
from typing import Final

BRANCHES: Final = (
    "quorum leader elected",
    "quorum leader resigned or was deposed",
    "pre-vote refused",
    "controller deposed with decisions pending",
    "metadata log cut",
    "metadata snapshot written",
    "metadata snapshot installed",
    "broker registered again after an unclean end",
    "broker fenced",
    "broker found gone by its connections",
    "controlled shutdown",
    "partition leader moved",
    "ISR shrunk",
    "ISR expanded",
    "partition without a leader",
    "eligible leader replica kept",
    "eligible leader replica elected",
    "diverging epoch told",
    "follower cut its log",
    "follower began behind the log's start",
    "a deposed leader did not know yet",
    "high watermark behind the epoch's start",
    "unclean election",
    "last known leader elected",
    "loss of power took committed records",
    "offset not available",
    "out of range",
    "coordinator moved",
    "coordinator loading",
    "not enough replicas",
    "duplicate answered from the window",
    "torn log cut at the start",
    "disk full",
    "controller failed over while a topic was created",
    "topic deleted",
    "records deleted",
    "partitions added",
    "reassignment completed",
    "reassignment cancelled",
    "preferred leader elected",
    "group rebalanced",
    "consumer sent to a follower",
)
_TOLD_MAX: Final = 200


class Verdict:
    """One run's. `story` is what happened, a sentence each, behind the time in seconds."""

    def __init__(self, note: Callable[..., None], now: Callable[[], float]) -> None:
        self.story: list[tuple[float, str]] = []
        self._now = now
        self.violations: list[str] = []
        self.reached: dict[str, int] = {}
        self._note = note

    def violate(self, checker: str, sentence: str) -> None:
        """A promise is broken; a checker that goes on finding the same is cut off."""
        self._note("violation", checker, sentence)
        self.tell(f"VIOLATION {checker}: {sentence}")
        if len(self.violations) < _TOLD_MAX:
            self.violations.append(f"{checker}: {sentence}")

    def require(self, holds: bool, checker: str, sentence: str) -> None:
        """`violate` unless it holds."""
        if not holds:
            self.violate(checker, sentence)

    def tell(self, sentence: str) -> None:
        """Something for those who read what happened."""
        self.story.append((self._now(), sentence))

    def reach(self, branch: str) -> None:
        """Something worth counting has happened."""
        assert branch in BRANCHES, branch
        self._note("reached", branch)
        self.reached[branch] = self.reached.get(branch, 0) + 1
