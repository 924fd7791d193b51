"""The command line of `minikafka dump-log`: the options of Kafka's kafka-dump-log, and `--json`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Final

_DECODERS: Final = {
    "offsets": "__consumer_offsets: committed offsets and groups",
    "transaction-log": "__transaction_state",
    "cluster-metadata": "__cluster_metadata and its snapshots",
    "share-group-state": "__share_group_state",
}


def parser() -> ArgumentParser:
    """The options; `decoder` is one of the keys above or None."""
    found = ArgumentParser(
        "minikafka dump-log",
        description="Print what is in log segments, indexes, snapshots and checkpoints.",
        epilog="Ends with 1 when something is damaged: each damage is a line on stderr.",
    )
    found.add_argument("paths", nargs="*", metavar="FILE", help="files; or --files")
    found.add_argument("--files", metavar="A,B", help="files, comma-separated")
    found.add_argument("--print-data-log", action="store_true", help="print keys and values")
    found.add_argument(
        "--deep-iteration", action="store_true", help="print records, not only batches"
    )
    decoders = found.add_mutually_exclusive_group()
    for name, topic in _DECODERS.items():
        decoders.add_argument(
            f"--{name}-decoder",
            dest="decoder",
            action="store_const",
            const=name,
            help=f"decode {topic}",
        )
    found.add_argument("--verify-index-only", action="store_true", help="compare, print no entries")
    found.add_argument(
        "--index-sanity-check", action="store_true", help="check indexes as a starting broker does"
    )
    found.add_argument("--skip-record-metadata", action="store_true", help="keys and values only")
    found.add_argument(
        "--max-bytes", type=int, metavar="N", help="read N bytes of each log at most"
    )
    found.add_argument("--json", action="store_true", help="one JSON object a line")
    return found
