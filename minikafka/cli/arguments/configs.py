"""The command line of `minikafka configs`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Final

from minikafka.cli.arguments.connection import add_admin_connection, tool_parser

KINDS: Final = ("topic", "broker", "broker-logger", "client-metrics", "group")


def parser() -> ArgumentParser:
    """The options; `action` says which of the subcommands."""
    found = tool_parser("configs", "Describe and change configs.")
    actions = found.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="what has configs")
    listing.add_argument("kinds", nargs="*", metavar="KIND", help=f"some of {', '.join(KINDS)}")

    describing = actions.add_parser("describe", help="values and where they come from")
    _add_resource(describing)
    describing.add_argument("-a", "--all", action="store_true", help="defaults as well")
    describing.add_argument("--docs", action="store_true", help="what each one is for (--json)")
    describing.add_argument(
        "-k", "--key", dest="keys", action="append", help="only these; may be repeated"
    )

    altering = actions.add_parser("alter", help="set, delete; append to and subtract from lists")
    _add_resource(altering)
    for option, letter, meaning in (
        ("--set", "KEY=VALUE", "give it a value"),
        ("--append", "KEY=VALUE", "add to a list"),
        ("--subtract", "KEY=VALUE", "take from a list"),
        ("--delete", "KEY", "back to the default"),
    ):
        altering.add_argument(
            option, action="append", default=[], metavar=letter, help=f"{meaning}; may be repeated"
        )
    altering.add_argument("--validate-only", action="store_true", help="ask, but do not change")
    for action in actions.choices.values():
        add_admin_connection(action)
    return found


def _add_resource(parser: ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="(none: the default of all brokers)"
    )
