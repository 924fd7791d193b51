"""kcat, the command line of librdkafka: keyed lines in, length-framed records out."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from harness.clients import Keyed, Stored

# Never part of a key here; kcat splits at its first occurrence, so a value may hold it.
KEY_DELIMITER = b"\x01"
# Says how long key and value are before showing them, so that any byte may be inside.
_OUTPUT = "%p %o %K %S\n%k%s\n"
_PATIENCE_S = 240
_HEAD = re.compile(rb"(\d+) (\d+) (-?\d+) (-?\d+)\n")


def executable() -> str:
    """The program's path. Raises RuntimeError when it is not installed."""
    path = shutil.which("kcat") or shutil.which("kafkacat")
    if path is None:
        raise RuntimeError("kcat is not installed (Debian: apt-get install kcat)")
    return path


def producer_command(bootstrap: str, topic: str, *properties: str) -> list[str]:
    """kcat reading `key \\x01 value \\n` from standard input until it ends.

    It carries on when brokers are down (-E) and exits 0 only if every record was delivered.
    """
    command = [executable(), "-P", "-E", "-b", bootstrap, "-t", topic, "-K", "\\x01"]
    for each in ("enable.idempotence=true", *properties):
        command += ["-X", each]
    return command


def encode(records: Sequence[Keyed]) -> bytes:
    """Input lines for `producer_command`."""
    lines = bytearray()
    for key, value in records:
        assert key is not None
        assert value is not None
        assert KEY_DELIMITER not in key
        assert b"\n" not in key + value
        lines += key + KEY_DELIMITER + value + b"\n"
    return bytes(lines)


class Feeder:
    """kcat as a producer whose input comes in portions, so that it cannot be done too early.

    Portions are written by a thread: kcat stops reading when its queue is full.
    """

    def __init__(self, bootstrap: str, topic: str, errors: Path) -> None:
        command = producer_command(bootstrap, topic)
        self.errors = errors.open("w+b")
        self.kcat = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=self.errors)
        self.writer = ThreadPoolExecutor(max_workers=1)

    def feed(self, lines: Sequence[Keyed]) -> None:
        assert self.kcat.stdin is not None
        self.writer.submit(self.kcat.stdin.write, encode(lines))

    def finish(self) -> None:
        """End of input; kcat exits 0 only when all of it was delivered."""
        assert self.kcat.stdin is not None
        self.writer.submit(self.kcat.stdin.close)
        code = self.kcat.wait(_PATIENCE_S)
        self.errors.seek(0)
        assert code == 0, self.errors.read()[-2000:].decode(errors="replace")

    def close(self) -> None:
        self.kcat.kill()  # A writer that waits for it to read ends with a broken pipe.
        self.kcat.wait()
        self.writer.shutdown()
        assert self.kcat.stdin is not None
        with suppress(BrokenPipeError):
            self.kcat.stdin.close()
        self.errors.close()


class Kcat:
    """The third implementation of `harness.clients.Client`, as a child process."""

    name = "kcat"

    def produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str = "none"
    ) -> None:
        command = producer_command(bootstrap, topic, f"compression.codec={codec}")
        done = subprocess.run(
            command, input=encode(records), capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    def read(self, bootstrap: str, topic: str, partitions: int = 1) -> list[Stored]:
        del partitions  # Without -p it reads all there are.
        command = [executable(), "-C", "-b", bootstrap, "-t", topic, "-o", "beginning"]
        command += ["-e", "-q", "-f", _OUTPUT.replace("\n", "\\n")]
        command += ["-X", "check.crcs=true", "-X", "queued.min.messages=1000000"]
        done = subprocess.run(command, capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return parse(done.stdout)


def parse(output: bytes) -> list[Stored]:
    """What kcat printed in the format above."""
    stored = []
    position = 0
    while position < len(output):
        head = _HEAD.match(output, position)
        assert head is not None, output[position : position + 80]
        partition, offset, key_bytes, value_bytes = map(int, head.groups())
        key_end = head.end() + max(key_bytes, 0)
        value_end = key_end + max(value_bytes, 0)
        key = None if key_bytes < 0 else output[head.end() : key_end]
        value = None if value_bytes < 0 else output[key_end:value_end]
        assert output[value_end : value_end + 1] == b"\n"
        stored.append(Stored(partition, offset, key, value))
        position = value_end + 1
    return stored
