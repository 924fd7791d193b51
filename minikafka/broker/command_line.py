"""The words of the command line. Written by hand: argparse costs 7 ms of every start."""

from collections.abc import Sequence
from typing import Final

HELP: Final = """\
usage: minikafka-broker [server.properties] [options]

A Kafka broker (and controller). Takes Apache Kafka's server.properties as it is; without one it is
a cluster of its own on port 9092 with its data in ./data.

  --override KEY=VALUE   a setting over those of file and environment; may be repeated
  --cluster-id ID        the cluster that an empty data directory is formatted for
  --dev                  for trying things out: 127.0.0.1:9092, internal topics of one partition
                         and one replica, no rebalance delay, data in a temporary directory
  --port PORT            listen on this port instead of 9092; 0: a free one (without a file only)
  --banner               say on stdout where clients connect, also when it is no terminal
  --version, --help

Settings also come from the environment: KAFKA_LOG_RETENTION_MS=1000 is log.retention.ms=1000.
Ends with 0 after SIGTERM or SIGINT, 1 when it cannot start or a disk fails, 2 on a wrong setting;
a second signal ends it at once with 128 + its number.
"""


class UsageError(ValueError):
    """Words that make no command."""


class CommandLine:
    """What the words say."""

    __slots__ = ("banner", "cluster_id", "dev", "file", "help", "overrides", "port", "version")

    def __init__(self) -> None:
        self.file: str | None = None
        self.overrides: list[str] = []
        self.cluster_id: str | None = None
        self.port: str | None = None
        self.dev = False
        self.banner = False
        self.version = False
        self.help = False


def parse_command_line(words: Sequence[str]) -> CommandLine:
    """UsageError when the words make no command. `--option value` and `--option=value` are one."""
    line = CommandLine()
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        option, equals, value = word.partition("=")
        if option in ("--dev", "--banner", "--version", "--help", "-h") and not equals:
            setattr(line, "help" if option == "-h" else option[2:], True)
        elif option in ("--override", "--cluster-id", "--port"):
            if not equals:
                if not rest:
                    raise UsageError(f"{option} wants a value")
                value = rest.pop()
            _take(line, option, value)
        elif word.startswith("-"):
            raise UsageError(f"unknown option {word}")
        elif line.file is not None:
            raise UsageError(f"one file at most, not both {line.file} and {word}")
        else:
            line.file = word
    if line.port is not None and line.file is not None:
        raise UsageError("--port does not go with a file: use --override listeners=…")
    return line


def _take(line: CommandLine, option: str, value: str) -> None:
    if option == "--override":
        line.overrides.append(value)
    elif option == "--cluster-id":
        line.cluster_id = value
    elif value.isdecimal() and int(value) < 65536:
        line.port = value
    else:
        raise UsageError(f"--port wants a number up to 65535, not {value}")
