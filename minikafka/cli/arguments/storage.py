"""The command line of `minikafka storage`: the options of Kafka's kafka-storage."""

from __future__ import annotations

from argparse import ArgumentParser

from minikafka.cli.arguments.connection import tool_parser


def parser() -> ArgumentParser:
    """The options; `action` says which of the subcommands."""
    found = tool_parser("storage", "Format data directories, say what is in them, make ids.")
    actions = found.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("random-uuid", help="print an id, for a cluster or a directory")
    telling = actions.add_parser("info", help="say whose directories these are")
    telling.add_argument("--json", action="store_true", help="print one JSON document")
    formatting = actions.add_parser("format", help="format the directories of a node")
    for action in (telling, formatting):
        action.add_argument("-c", "--config", required=True, help="the node's server.properties")
    formatting.add_argument("-t", "--cluster-id", required=True, help="the cluster it belongs to")
    formatting.add_argument(
        "-g", "--ignore-formatted", action="store_true", help="leave formatted directories alone"
    )
    formatting.add_argument(
        "-r", "--release-version", metavar="VERSION", help="of the first metadata, such as 4.0-IV0"
    )
    formatting.add_argument(
        "-f",
        "--feature",
        dest="features",
        action="append",
        default=[],
        metavar="FEATURE=LEVEL",
        help="the first level of a feature; may be repeated",
    )
    formatting.add_argument("-S", "--add-scram", help="not supported")
    quorum = formatting.add_mutually_exclusive_group()
    quorum.add_argument(
        "-s", "--standalone", action="store_true", help="this node is the first dynamic voter"
    )
    quorum.add_argument(
        "-N", "--no-initial-controllers", action="store_true", help="others are the voters"
    )
    quorum.add_argument(
        "-I",
        "--initial-controllers",
        metavar="ID@HOST:PORT:DIRECTORY-ID,…",
        help="the first dynamic voters, the same on each of them",
    )
    return found
