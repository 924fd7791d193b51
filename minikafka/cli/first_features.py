"""`--release-version` and `--feature` of `storage format`: the levels a new cluster begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from minikafka.cli.exits import ToolError, UsageError
from minikafka.metadata.features import (
    BOOTSTRAP_LEVELS,
    ELIGIBLE_LEADER_REPLICAS,
    KRAFT_VERSION,
    METADATA_VERSION,
    SUPPORTED,
)
from minikafka.metadata.record_versions import FEATURE_4_0_IV1

_LOWEST: Final = 7
_RELEASES: Final = (
    *("3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2"),
    *("3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0"),
    *("4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0"),
)
"""metadata.version 7 and so on, by the names that Kafka gives them."""
_ELR_SINCE: Final = 26
"""4.1-IV0: from here on new clusters keep eligible leader replicas (KIP-966)."""


def release_name(metadata_version: int) -> str:
    """`4.3-IV0` for 30."""
    return _RELEASES[metadata_version - _LOWEST]


def first_levels(release: str | None, features: Iterable[str]) -> dict[str, int]:
    """Level by feature, metadata.version first; without those at level 0.

    Without a release it is what this version serves. UsageError, ToolError.
    """
    levels = dict(BOOTSTRAP_LEVELS)
    if release is not None:
        levels[METADATA_VERSION] = _release_level(release)
    given: dict[str, int] = {}
    for word in features:
        name, equals, level = word.partition("=")
        if not equals or not level.isdecimal():
            raise UsageError(f"--feature wants FEATURE=LEVEL, not {word!r}")
        if name == METADATA_VERSION and release is not None:
            raise UsageError("use --release-version or --feature metadata.version, not both")
        given[name] = _supported(name, int(level))
    levels |= given
    if levels[METADATA_VERSION] < _ELR_SINCE and ELIGIBLE_LEADER_REPLICAS not in given:
        del levels[ELIGIBLE_LEADER_REPLICAS]
    if levels.get(ELIGIBLE_LEADER_REPLICAS) and levels[METADATA_VERSION] < FEATURE_4_0_IV1:
        raise ToolError(f"{ELIGIBLE_LEADER_REPLICAS} needs {METADATA_VERSION} {FEATURE_4_0_IV1}.")
    return {name: level for name, level in levels.items() if level > 0}


def check_kraft_version(levels: dict[str, int], *, dynamic: bool) -> None:
    """kraft.version follows from how voters are found; a contradiction is a ToolError.

    It is no level of the metadata's own, and taken out.
    """
    given = levels.pop(KRAFT_VERSION, None)
    if given is not None and (given == 1) != dynamic:
        raise ToolError(
            f"kraft.version {given} does not fit: it is 1 with --standalone, "
            "--initial-controllers or --no-initial-controllers, else 0."
        )


def _release_level(release: str) -> int:
    found = [number for number, name in enumerate(_RELEASES) if release in (name, name[:3])]
    if not found:
        raise ToolError(
            f"Unknown metadata.version '{release}'. Supported metadata.version are: "
            + ", ".join(_RELEASES)
        )
    return _LOWEST + found[-1]


def _supported(name: str, level: int, table: Mapping[str, tuple[int, int]] = SUPPORTED) -> int:
    if name not in table:
        raise ToolError(f"Unsupported feature: {name}. Supported features are: {_names(table)}")
    lowest, highest = table[name]
    if not lowest <= level <= highest:
        raise ToolError(f"{name} {level}: this version supports {lowest} to {highest}.")
    return level


def _names(table: Mapping[str, tuple[int, int]]) -> str:
    return ", ".join(sorted(table))
