"""Features of the cluster and their levels (KIP-584), as one table.

A *finalised* level is a fact of the cluster, kept in the metadata log (`MetadataImage.features`).
Here stands what this software can do about each feature:

- `SUPPORTED`: levels at which a metadata log may have a feature without this node refusing to take
  part; the range in BrokerRegistration and ControllerRegistration. Records of these levels are
  understood and kept.
- `SERVED`: the highest level whose APIs are served. A new cluster finalises it, clients are told
  it by ApiVersions, and an upgrade beyond it is refused: a client decides by these levels which
  protocol it speaks (transaction.version 2 makes producers rely on implicit partition adds).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_VERSION: Final = "metadata.version"
KRAFT_VERSION: Final = "kraft.version"
ELIGIBLE_LEADER_REPLICAS: Final = "eligible.leader.replicas.version"
GROUP_VERSION: Final = "group.version"
SHARE_VERSION: Final = "share.version"
STREAMS_VERSION: Final = "streams.version"
TRANSACTION_VERSION: Final = "transaction.version"

SUPPORTED: Final[dict[str, tuple[int, int]]] = {
    METADATA_VERSION: (7, 30),  # 3.3-IV3 to 4.3-IV0
    KRAFT_VERSION: (0, 1),  # 1: voters are records and carry directory ids (KIP-853)
    ELIGIBLE_LEADER_REPLICAS: (0, 1),  # KIP-966
    GROUP_VERSION: (0, 1),  # 1: KIP-848
    SHARE_VERSION: (0, 1),  # 1: KIP-932
    STREAMS_VERSION: (0, 1),  # 1: KIP-1071
    TRANSACTION_VERSION: (0, 2),  # 1: tagged log records; 2: KIP-890
}

SERVED: Final[dict[str, int]] = {
    METADATA_VERSION: 30,
    KRAFT_VERSION: 1,
    ELIGIBLE_LEADER_REPLICAS: 1,
    GROUP_VERSION: 0,
    SHARE_VERSION: 0,
    STREAMS_VERSION: 0,
    TRANSACTION_VERSION: 0,
}

BOOTSTRAP_LEVELS: Final[tuple[tuple[str, int], ...]] = tuple(
    (name, SERVED[name])
    for name in (
        METADATA_VERSION,
        ELIGIBLE_LEADER_REPLICAS,
        GROUP_VERSION,
        SHARE_VERSION,
        STREAMS_VERSION,
        TRANSACTION_VERSION,
    )
    if SERVED[name] > 0
)
"""(name, level) that formatting finalises, in the order in which Kafka's format tool writes them.

kraft.version is not among them: it is a control record of the quorum's own.
"""


def advertised_features() -> dict[str, tuple[int, int]]:
    """Ranges for ApiVersions: what is served; a feature of which nothing is served is left out."""
    return {
        name: (lowest, SERVED[name]) for name, (lowest, _) in SUPPORTED.items() if SERVED[name] > 0
    }


def told_features(finalised: Mapping[str, int]) -> dict[str, int]:
    """Finalised levels for ApiVersions: none above what is served here.

    A log that Kafka began may have finalised more than this version serves; a client that was told
    so would speak a protocol that nobody answers.
    """
    told = {name: min(level, SERVED.get(name, 0)) for name, level in finalised.items()}
    return {name: level for name, level in told.items() if level > 0}


def unsupported_features(finalised: dict[str, int]) -> list[tuple[str, int]]:
    """The finalised levels that this software does not understand: reason not to start."""
    return [
        (name, level)
        for name, level in finalised.items()
        if not SUPPORTED.get(name, (0, 0))[0] <= level <= SUPPORTED.get(name, (0, 0))[1]
    ]
