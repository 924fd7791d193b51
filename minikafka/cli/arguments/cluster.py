"""The command line of `minikafka cluster`."""

from __future__ import annotations

from argparse import ArgumentParser

from minikafka.cli.arguments.connection import add_admin_connection, tool_parser


def parser() -> ArgumentParser:
    """The options; `action` says which of the subcommands."""
    found = tool_parser("cluster", "What a cluster is made of.")
    actions = found.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("describe", help="its id, its brokers, the controller")
    actions.add_parser("features", help="supported and finalized levels")
    actions.add_parser("quorum", help="leader, voters and observers of the metadata log")
    directories = actions.add_parser("log-dirs", help="what brokers have on their disks")
    versions = actions.add_parser("api-versions", help="the APIs and versions that brokers speak")
    for action in (directories, versions):
        action.add_argument(
            "--broker",
            dest="brokers",
            type=int,
            action="append",
            metavar="ID",
            help="only this one; may be repeated",
        )
    directories.add_argument(
        "--topic", dest="topics", action="append", help="only this one; may be repeated"
    )
    for action in actions.choices.values():
        add_admin_connection(action)
    return found
