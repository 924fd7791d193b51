"""Our Java programs over Kafka's own jars: a group member, and a host that keeps the tools warm.

`ToolHost` spares each question the second and a half in which a JVM starts.
"""

import shutil
import subprocess
import threading
from typing import Self

from harness import apache
from harness.broker import PROJECT

SOURCES = PROJECT / "tests/interop/members/java"
CLASSES = PROJECT / "build/interop/java"
_END = "\f"


def install() -> None:
    """Compile what has changed. Raises RuntimeError without a Java compiler."""
    compiler = shutil.which("javac")
    if compiler is None:
        raise RuntimeError("javac is needed to compile the Java programs")
    sources = sorted(SOURCES.glob("*.java"))
    changed = max(source.stat().st_mtime for source in sources)
    classes = [CLASSES / f"{source.stem}.class" for source in sources]
    if all(each.exists() and each.stat().st_mtime >= changed for each in classes):
        return
    CLASSES.mkdir(parents=True, exist_ok=True)
    options = ["-proc:none", "-cp", f"{apache.home()}/libs/*", "-d", str(CLASSES)]
    subprocess.run([compiler, *options, *map(str, sources)], check=True)


def command(main_class: str, *arguments: str) -> list[str]:
    assert (CLASSES / f"{main_class}.class").exists(), "not compiled; see `make interop`"
    return apache.command(main_class, arguments, apache.TOOL_FLAGS, CLASSES)


class ToolHost:
    """One JVM that runs Kafka's tools for many questions, one at a time."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._process = subprocess.Popen(
            command("ToolHost"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, main_class: str, *arguments: str) -> tuple[int, str]:
        """The exit code, and what the tool prints, its complaints included."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write("\t".join((main_class, *arguments)) + "\n")
            self._process.stdin.flush()
            lines: list[str] = []
            while not (line := self._process.stdout.readline()).startswith(_END):
                assert line, f"the tool ended after {lines}"
                lines.append(line)
        return int(line.removeprefix(_END)), "".join(lines)


class GroupTool(ToolHost):
    """kafka-consumer-groups in one JVM."""

    def ask(self, bootstrap: str, *arguments: str) -> str:
        """What the tool prints."""
        where = ("--bootstrap-server", bootstrap)
        return self.run(apache.TOOLS["kafka-consumer-groups"], *where, *arguments)[1]

    def remove(self, bootstrap: str, group: str, *instances: str) -> None:
        """Take static members out of a group, by the admin client."""
        _, printed = self.run("RemoveMembers", bootstrap, group, *instances)
        assert printed == "", printed
