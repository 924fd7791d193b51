"""The command line of `minikafka groups`."""

from __future__ import annotations

from argparse import ArgumentParser

from minikafka.cli.arguments.connection import add_admin_connection, tool_parser

_TOPIC_HELP = "a topic, or some of its partitions; may be repeated"


def parser() -> ArgumentParser:
    """The options; `action` says which of the subcommands."""
    found = tool_parser("groups", "List and describe groups, change and delete their offsets.")
    actions = found.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="groups and their states")
    listing.add_argument(
        "--state", dest="states", action="append", default=[], help="only these; may be repeated"
    )

    describing = actions.add_parser("describe", help="offsets and lag; or members")
    describing.add_argument("groups", nargs="+", metavar="GROUP")
    describing.add_argument("--members", action="store_true", help="members instead of offsets")

    deleting = actions.add_parser("delete", help="delete groups without members")
    deleting.add_argument("groups", nargs="+", metavar="GROUP")

    resetting = actions.add_parser(
        "reset-offsets", help="set offsets of a group without members; shows them unless --execute"
    )
    resetting.add_argument("group", metavar="GROUP")
    _add_topics(resetting, "(none: all that the group has offsets of)")
    target = resetting.add_mutually_exclusive_group(required=True)
    target.add_argument("--to-earliest", action="store_true")
    target.add_argument("--to-latest", action="store_true")
    target.add_argument("--to-current", action="store_true", help="what is stored, within the log")
    target.add_argument("--to-offset", type=int, metavar="OFFSET")
    target.add_argument("--shift-by", type=int, metavar="N", help="forwards, or back if negative")
    target.add_argument("--to-timestamp", type=int, metavar="MS", help="ms since 1970")
    target.add_argument(
        "--to-datetime", metavar="TIME", help="such as 2026-01-31T12:00:00.000 (UTC, or +02:00)"
    )
    resetting.add_argument("--execute", action="store_true", help="do it")

    forgetting = actions.add_parser("delete-offsets", help="forget offsets of a group")
    forgetting.add_argument("group", metavar="GROUP")
    _add_topics(forgetting, "", required=True)
    for action in actions.choices.values():
        add_admin_connection(action)
    return found


def _add_topics(parser: ArgumentParser, otherwise: str, *, required: bool = False) -> None:
    parser.add_argument(
        "--topic",
        dest="topics",
        action="append",
        default=[],
        required=required,
        metavar="TOPIC[:P,P]",
        help=f"{_TOPIC_HELP} {otherwise}".strip(),
    )
