"""The answers of Apache Kafka 4.3.0 as a file, and what differs from them."""

import gzip
import json
from difflib import unified_diff
from pathlib import Path

from tool_comparison.known import without_known
from tool_comparison.story import Answer

FILE = Path(__file__).with_name("recorded.json.gz")


def write(answers: list[Answer]) -> None:
    text = json.dumps(answers, indent=0)
    FILE.write_bytes(gzip.compress(text.encode(), mtime=0))


def read() -> list[Answer]:
    return [Answer(*each) for each in json.loads(gzip.decompress(FILE.read_bytes()))]


def differences(theirs: list[Answer], ours: list[Answer]) -> tuple[list[str], set[str]]:
    """What to print of them, and the reasons why some lines were not compared."""
    assert [each.command for each in theirs] == [each.command for each in ours]
    found: list[str] = []
    reasons: set[str] = set()
    for of_kafka, of_us in zip(theirs, ours, strict=True):
        left, right, why = without_known(of_kafka.tool, of_kafka.lines, of_us.lines)
        reasons.update(f"{of_kafka.tool}: {reason}" for reason in why)
        if left != right:
            changes = list(unified_diff(left, right, lineterm="", n=0))[2:]
            found += ["", f"$ {of_kafka.command}", *(c for c in changes if c[0] != "@")]
    return found, reasons
