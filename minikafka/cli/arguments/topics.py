"""The command line of `minikafka topics`."""

from __future__ import annotations

from argparse import ArgumentParser

from minikafka.cli.arguments.connection import add_admin_connection, tool_parser


def parser() -> ArgumentParser:
    """The options; `action` says which of the subcommands."""
    found = tool_parser("topics", "List, describe, create, delete and change topics.")
    actions = found.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="the names of topics")
    listing.add_argument("--internal", action="store_true", help="Kafka's own as well")

    describing = actions.add_parser("describe", help="partitions, replicas, changed configs")
    describing.add_argument("topics", nargs="*", metavar="TOPIC", help="(none: all but internal)")

    creating = actions.add_parser("create", help="make a topic")
    creating.add_argument("topic", metavar="TOPIC")
    creating.add_argument("-P", "--partitions", type=int, default=-1, metavar="N")
    creating.add_argument("-R", "--replication-factor", type=int, default=-1, metavar="N")
    creating.add_argument(
        "-c",
        "--topic-config",
        dest="topic_configs",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a config of the topic; may be repeated",
    )
    creating.add_argument(
        "--replica-assignment",
        metavar="A:B,C:D",
        help="broker ids of each partition's replicas, partitions parted by commas",
    )
    creating.add_argument("--if-not-exists", action="store_true")
    creating.add_argument("--validate-only", action="store_true", help="ask, but do not create")

    deleting = actions.add_parser("delete", help="delete topics and their records")
    deleting.add_argument("topics", nargs="+", metavar="TOPIC")
    deleting.add_argument("--if-exists", action="store_true")

    altering = actions.add_parser("alter", help="give a topic more partitions")
    altering.add_argument("topic", metavar="TOPIC")
    altering.add_argument("-P", "--partitions", type=int, required=True, metavar="N")

    offsets = actions.add_parser("offsets", help="first, last or other offsets of partitions")
    offsets.add_argument("topics", nargs="+", metavar="TOPIC")
    offsets.add_argument(
        "-t",
        "--time",
        default="latest",
        metavar="TIME",
        help="earliest, latest, max-timestamp or ms since 1970 (now: latest)",
    )

    records = actions.add_parser("delete-records", help="delete the records before an offset")
    records.add_argument("topic", metavar="TOPIC")
    records.add_argument("-p", "--partition", type=int, help="(now: all)")
    records.add_argument(
        "--before", type=int, default=-1, metavar="OFFSET", help="-1: all that are there (now)"
    )
    for action in actions.choices.values():
        add_admin_connection(action)
    return found
