"""`minikafka <command>`: today the broker and the version; the tools come with the client."""

from __future__ import annotations

import sys

from minikafka import __version__
from minikafka.broker import main as broker_main

USAGE = """usage: minikafka <command> [arguments]

commands:
  broker    run a broker (the same as minikafka-broker)
  version   print the version
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code (2: usage)."""
    command, *rest = (sys.argv[1:] if arguments is None else arguments) or ["help"]
    match command:
        case "broker":
            return broker_main.main(rest)
        case "version" | "--version":
            print(f"minikafka {__version__}")
            return 0
        case "help" | "--help" | "-h":
            print(USAGE, end="")
            return 0
        case _:
            print(f"minikafka: unknown command {command!r}\n\n{USAGE}", end="", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
