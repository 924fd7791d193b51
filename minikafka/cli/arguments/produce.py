"""The command line of `minikafka produce`; the letters are kcat's."""

from __future__ import annotations

from argparse import ArgumentParser

from minikafka.cli.arguments.connection import add_connection, tool_parser


def parser() -> ArgumentParser:
    """The options."""
    found = tool_parser("produce", "Write records from stdin, by default one a line.")
    found.add_argument("topic", nargs="?", metavar="TOPIC", help="may be left out with --json")
    add_connection(found)
    found.add_argument("-k", "--key", help="the key of every record")
    found.add_argument("-K", "--key-delimiter", metavar="TEXT", help="what parts key from value")
    found.add_argument(
        "-D", "--delimiter", default="\\n", metavar="TEXT", help=r"ends a record (now: \n)"
    )
    found.add_argument(
        "-H",
        "--header",
        dest="headers",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a header of every record, NAME alone for a null value; may be repeated",
    )
    found.add_argument("-p", "--partition", type=int, help="the partition of every record")
    found.add_argument(
        "-z",
        "--compression",
        choices=("none", "gzip", "snappy", "lz4", "zstd"),
        help="the codec of the batches",
    )
    found.add_argument("--acks", choices=("all", "-1", "0", "1"), help="who must have a record")
    found.add_argument(
        "-Z", "--null", action="store_true", help="send empty values and keys as null"
    )
    layout = found.add_mutually_exclusive_group()
    layout.add_argument(
        "-f",
        "--format",
        help=r"what a record looks like, as `consume -f` prints it: '%%k\t%%s\n'",
    )
    layout.add_argument("--json", action="store_true", help="one JSON object a line")
    found.add_argument("-q", "--quiet", action="store_true", help="no progress on a terminal")
    return found
