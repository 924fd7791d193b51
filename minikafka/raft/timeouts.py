"""How patient a node of the quorum is, all in milliseconds, and how much it fetches at once.

The keys are Kafka's (`controller.quorum.*`). The two short waits at the end are ours: they let a
cluster go on in a fraction of a second where Kafka always waits for a timeout.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FETCH_WAIT_MS: Final = 500
"""How long a leader parks a fetch that has nothing to tell."""
_FRESH_JITTER_MS: Final = 100
_REFUSED_JITTER_MS: Final = 150
_FIRST_BACKOFF_MS: Final = 50


class FetchSizes(NamedTuple):
    """The most that a fetch brings, which both sides keep to: of records, and of a snapshot."""

    records_bytes: int = 1 << 20
    snapshot_bytes: int = 1 << 20


class Timeouts:
    """The configured times and the draws from them; `draw` gives a fraction in [0, 1)."""

    __slots__ = ("backoff_max_ms", "election_ms", "fetch_ms", "request_ms", "retry_backoff_ms")

    def __init__(
        self,
        *,
        election_ms: int = 1000,
        fetch_ms: int = 2000,
        backoff_max_ms: int = 1000,
        request_ms: int = 2000,
        retry_backoff_ms: int = 20,
    ) -> None:
        self.election_ms = election_ms
        self.fetch_ms = fetch_ms
        self.backoff_max_ms = backoff_max_ms
        self.request_ms = request_ms
        self.retry_backoff_ms = retry_backoff_ms

    @property
    def check_quorum_ms(self) -> int:
        """A leader that a majority has not fetched from for so long resigns."""
        return self.fetch_ms * 3 // 2

    @property
    def begin_epoch_ms(self) -> int:
        """How often a leader tells voters of its epoch that do not fetch."""
        return self.fetch_ms // 2

    def election(self, draw: float) -> int:
        """One round of an election, or the wait before the first: one to two timeouts."""
        return self.election_ms + int(draw * self.election_ms)

    def fetch(self, draw: float) -> int:
        """Until a follower that gets no answer stands for election: up to a twentieth over the
        timeout, for those who miss a leader at the same moment would split the votes.
        """
        return self.fetch_ms + int(draw * self.fetch_ms / 20)

    def backoff(self, lost_rounds: int, draw: float) -> int:
        """After the `lost_rounds`-th lost round in a row (from 1): doubled, and spread by half."""
        most = min(_FIRST_BACKOFF_MS << min(lost_rounds, 10), self.backoff_max_ms)
        return max(1, int(most * (0.5 + draw / 2)))

    def fresh(self, draw: float) -> int:
        """Until a pre-vote, when a majority has been asked and none knows of a leader."""
        return 1 + int(draw * _FRESH_JITTER_MS)

    def refused(self, draw: float) -> int:
        """Until a pre-vote, when the leader's listener has refused a connection."""
        return 1 + int(draw * _REFUSED_JITTER_MS)
