"""The command line of `minikafka up`."""

from __future__ import annotations

from argparse import ArgumentParser

from minikafka.cli.arguments.connection import tool_parser


def parser() -> ArgumentParser:
    """How many brokers, where they listen, where their data is."""
    found = tool_parser("up", "Start, supervise and stop a cluster on this machine.")
    found.add_argument("--brokers", type=int, default=3, metavar="N", help="how many (default: 3)")
    found.add_argument(
        "--port",
        type=int,
        default=9092,
        help="the first broker's; the others take those that follow, controllers those from 1000 "
        "above; 0: free ones (default: 9092)",
    )
    found.add_argument("--data", metavar="DIR", help="data, settings and logs (default: ./cluster)")
    found.add_argument(
        "--dev",
        action="store_true",
        help="for trying things out: internal topics of one partition, no rebalance delay, and "
        "without --data a temporary directory",
    )
    found.add_argument(
        "--override",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of every broker; may be repeated",
    )
    return found
