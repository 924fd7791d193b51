"""python -m minikafka.protocol: looks at the protocol from outside.

check FILE.jsonl[.gz]…   runs vectors through the codecs, prints the first differences and, as the
                         last line, `N passed, N failed`; exit status 1 if any failed
table                    prints the tables of docs/protocol.md
show CLASS VERSION       prints the compiled decoder and encoder of a message
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator

from minikafka.protocol.api_table import api_table, record_table
from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.decoding import DecoderCompiler
from minikafka.protocol.encoding import EncoderCompiler
from minikafka.protocol.vectors import Vector, check

SHOWN_DIFFERENCES = 10


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit status."""
    match arguments:
        case ["check", *files] if files:
            return check_files(files)
        case ["table"]:
            print(f"{api_table()}\n{record_table()}", end="")
            return 0
        case ["show", name, version] if version.isdecimal() and name in message_classes():
            cls = message_classes()[name]
            print(DecoderCompiler(cls, int(version)).text())
            print(EncoderCompiler(cls, int(version)).text())
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def check_files(files: list[str]) -> int:
    """Checks every line of the files; returns 1 if any line failed."""
    classes = message_classes()
    passed = failed = 0
    for file in files:
        for number, vector in read_vectors(file):
            difference = check(vector, classes)
            if difference is None:
                passed += 1
                continue
            failed += 1
            if failed <= SHOWN_DIFFERENCES:
                print(f"{file}:{number}: {vector['name']} v{vector['version']}: {difference}")
    if failed > SHOWN_DIFFERENCES:
        print(f"… and {failed - SHOWN_DIFFERENCES} more")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def read_vectors(file: str) -> Iterator[tuple[int, Vector]]:
    """The vectors of a JSON-lines file, gzipped or not, with their line numbers."""
    open_text = gzip.open if file.endswith(".gz") else open
    with open_text(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, json.loads(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
