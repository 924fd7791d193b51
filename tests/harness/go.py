"""The Go clients franz-go and sarama: a program of ours, built with the modules of its go.sum."""

import shutil
import subprocess

from harness.broker import PROJECT

SOURCES = PROJECT / "tests/interop/members/go"
PROGRAM = PROJECT / "build/interop/go-member"


def install() -> None:
    """Build it; Go fetches the modules and does nothing when nothing has changed.

    Raises RuntimeError without Go, CalledProcessError when it is too old for go.mod.
    """
    compiler = shutil.which("go")
    if compiler is None:
        raise RuntimeError("Go is needed to build the members of franz-go and sarama")
    subprocess.run([compiler, "build", "-o", str(PROGRAM), "."], cwd=SOURCES, check=True)


def member_command() -> list[str]:
    assert PROGRAM.exists(), "the Go program is not built; see `make interop`"
    return [str(PROGRAM)]
