"""The command line of `minikafka consume`; the letters are kcat's."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Final

from minikafka.cli.arguments.connection import add_connection, tool_parser

_EPILOG: Final = """\
tokens of -f:
  %s value   %S its length   %R the length as 4 bytes    %t topic      %p partition
  %k key     %K its length   %h headers: name=value,…    %o offset     %T timestamp in ms
  %% \\n \\r \\t \\0 \\\\ \\xHH     lengths of null are -1

offsets of -o:
  beginning, end, stored (by the group of -X group.id=…), N, -N (the last N of each partition),
  s@MS (the first record from that time on); e@MS stops before that time, and may be given as well
"""


def parser() -> ArgumentParser:
    """The options."""
    found = tool_parser(
        "consume", "Read records and write them to stdout, by default their values."
    )
    found.formatter_class = RawDescriptionHelpFormatter
    found.epilog = _EPILOG
    found.add_argument("topics", nargs="+", metavar="TOPIC")
    add_connection(found)
    found.add_argument(
        "-o",
        "--offset",
        dest="offsets",
        action="append",
        default=[],
        metavar="OFFSET",
        help="where to start (now: beginning; in a group where it has no offset: end)",
    )
    found.add_argument(
        "-p",
        "--partition",
        dest="partitions",
        type=int,
        action="append",
        metavar="N",
        help="only this partition; may be repeated",
    )
    found.add_argument("-G", "--group", help="share the partitions as a member of a group")
    found.add_argument("-c", "--count", type=int, metavar="N", help="end after N records")
    found.add_argument(
        "-e", "--exit", action="store_true", help="end when all that was there at the start is read"
    )
    found.add_argument(
        "--isolation",
        choices=("read_uncommitted", "read_committed"),
        help="read_committed leaves out what transactions have not committed",
    )
    layout = found.add_mutually_exclusive_group()
    layout.add_argument("-f", "--format", help=r"what to print of a record, such as '%%k: %%s\n'")
    layout.add_argument("--json", "-J", action="store_true", help="one JSON object a record")
    found.add_argument("-K", "--key-delimiter", metavar="TEXT", help="print key, TEXT, value")
    found.add_argument(
        "-D", "--delimiter", default="\\n", metavar="TEXT", help=r"follows a record (now: \n)"
    )
    found.add_argument("-Z", "--null", action="store_true", help="print null as NULL")
    found.add_argument("-q", "--quiet", action="store_true", help="no progress on a terminal")
    return found
