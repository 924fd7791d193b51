"""Kafka's console producer and consumer as the last implementation of `harness.clients.Client`.

Both speak text lines: keys and values here hold no tab and no line feed.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness import apache
from harness.clients import Keyed, Stored
from harness.wire import Wire

_LINE = re.compile(rb"Partition:(\d+)\tOffset:(\d+)\t([^\t]*)\t(.*)")

_COMPLAINTS = re.compile(
    r"isvalid: false|mismatch|non-consecutive|out of order|corrupt|exception|unexpected|larger "
    r"than|could not|failed|error",
    re.IGNORECASE,
)


def tool(name: str, *arguments: str, stdin: bytes = b"") -> str:
    """Run a tool that must succeed; returns what it said on standard output."""
    done = apache.run_tool(name, *arguments, stdin=stdin)
    assert done.returncode == 0, _all_output(done)
    return done.stdout.decode()


def refused(name: str, *arguments: str) -> str:
    """Run a tool that must fail; returns all it said."""
    done = apache.run_tool(name, *arguments)
    assert done.returncode != 0, _all_output(done)
    return _all_output(done)


def dump_log(*arguments: str, files: Sequence[Path]) -> str:
    """What kafka-dump-log says of the files; it must find nothing wrong with them."""
    said = tool("kafka-dump-log", *arguments, "--files", ",".join(map(str, files)))
    # Paths and payloads may hold any word.
    verdicts = "\n".join(line for line in said.splitlines() if "payload:" not in line)
    complaint = _COMPLAINTS.search(re.sub(r"/\S+", "", verdicts))
    assert complaint is None, f"{complaint[0]}: {said[-3000:]}"
    return said


def _all_output(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stdout + done.stderr).decode(errors="replace")


class JavaConsole:
    """kafka-console-producer and kafka-console-consumer."""

    name = "java"

    def produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str = "none"
    ) -> None:
        lines = b"".join(b"%s\t%s\n" % record for record in records)
        arguments = ["--bootstrap-server", bootstrap, "--topic", topic]
        arguments += ["--compression-codec", codec, "--reader-property", "parse.key=true"]
        said = tool("kafka-console-producer", *arguments, stdin=lines)
        assert said == "", said

    def read(self, bootstrap: str, topic: str, partitions: int = 1) -> list[Stored]:
        host, _, port = bootstrap.partition(":")
        stored: list[Stored] = []
        for partition in range(partitions):
            with Wire(host, int(port)) as wire:
                end_offset = wire.end_offset(topic, partition)
            if end_offset:
                stored += self._read_partition(bootstrap, topic, partition, end_offset)
        return stored

    def _read_partition(
        self, bootstrap: str, topic: str, partition: int, count: int
    ) -> list[Stored]:
        arguments = ["--bootstrap-server", bootstrap, "--topic", topic]
        arguments += ["--partition", str(partition), "--offset", "earliest"]
        arguments += ["--max-messages", str(count), "--timeout-ms", "20000"]
        for shown in ("partition", "offset", "key"):
            arguments += ["--formatter-property", f"print.{shown}=true"]
        output = tool("kafka-console-consumer", *arguments).encode()
        found = [match.groups() for line in output.splitlines() if (match := _LINE.match(line))]
        assert len(found) == count, f"{len(found)} of {count} records are shown"
        return [Stored(int(p), int(offset), key, value) for p, offset, key, value in found]
