"""The command; ends with 1 if there are differences."""

import sys
import tempfile
from pathlib import Path

from harness.broker import Software
from harness.java_programs import ToolHost

from tool_comparison.recorded import differences, write
from tool_comparison.story import tell


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as scratch, ToolHost() as tools:
        theirs = tell(Software.APACHE, Path(scratch, "kafka"), tools)
        if "--record" in arguments:
            write(theirs)
        ours = tell(Software.MINIKAFKA, Path(scratch, "minikafka"), tools)
    found, reasons = differences(theirs, ours)
    say(f"{len(ours)} commands")
    for reason in sorted(reasons):
        say(f"not compared: {reason}")
    say("\n".join(found) if found else "no other difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
