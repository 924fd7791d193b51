"""The differences that are meant to be."""

import re

# (tool, what a differing line looks like, why)
_MEANT = [
    (
        "kafka-features",
        r"Feature: (group|share|streams|transaction)\.version ",
        "nothing is finalised that is not served",
    ),
    (
        "kafka-configs",
        r"queued\.max\.request\.bytes=",
        "memory is bounded unless somebody says otherwise",
    ),
]
_UNSERVED = re.compile(r"(\w+\(\d+\)): UNSUPPORTED")


def without_known(
    tool: str, theirs: list[str], ours: list[str]
) -> tuple[list[str], list[str], list[str]]:
    """Both answers without what is known to differ, and the reasons that have been used."""
    reasons = []
    for of_tool, pattern, reason in _MEANT:
        if tool == of_tool:
            kept = [
                [line for line in side if not re.match(pattern, line)] for side in (theirs, ours)
            ]
            if kept != [theirs, ours]:
                reasons.append(reason)
            theirs, ours = kept
    unserved = {match[1] for line in ours if (match := _UNSERVED.match(line))}
    if unserved:
        reasons.append("some APIs are not served")
        theirs, ours = (
            [line.rstrip(",") for line in side if line.split(":")[0] not in unserved]
            for side in (theirs, ours)
        )
    return theirs, ours, reasons
