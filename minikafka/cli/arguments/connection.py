"""The options that every tool has that talks to a cluster."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Final

BOOTSTRAP_VARIABLE: Final = "MINIKAFKA_BOOTSTRAP_SERVER"
_DEFAULT: Final = "localhost:9092"


def tool_parser(name: str, description: str) -> ArgumentParser:
    """A parser of one tool; a text in the epilog keeps its lines."""
    return ArgumentParser(f"minikafka {name}", description=description)


def add_connection(parser: ArgumentParser) -> None:
    """`-b` and `-X`."""
    default = os.environ.get(BOOTSTRAP_VARIABLE, _DEFAULT)
    parser.add_argument(
        "-b",
        "--bootstrap-server",
        default=default,
        metavar="HOST:PORT",
        help=f"broker(s), comma-separated (now: {default}; ${BOOTSTRAP_VARIABLE})",
    )
    parser.add_argument(
        "-X",
        "--config",
        dest="configs",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of Kafka's clients, such as request.timeout.ms=5000; may be repeated",
    )


def add_admin_connection(parser: ArgumentParser) -> None:
    """`-b`, `-X` and `--json`."""
    add_connection(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
