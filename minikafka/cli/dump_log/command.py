"""Runs over the files of the command line and prints what `segments` and `indexes` make of them."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial

from minikafka.cli.dump_log import indexes
from minikafka.cli.dump_log.damage import Findings
from minikafka.cli.dump_log.decoders import decoder_named
from minikafka.cli.dump_log.entries import Entry
from minikafka.cli.dump_log.files import LogFile
from minikafka.cli.dump_log.indexes import IndexDump
from minikafka.cli.dump_log.segments import SegmentDump
from minikafka.cli.exits import FAILED, OK, UsageError
from minikafka.log.checkpoints import LEADER_EPOCHS

_Dump = Callable[[LogFile], Iterator[Entry]]


def run(options: Namespace) -> int:
    """Print every file; 1 when one of them is damaged."""
    paths = [*options.paths, *(options.files or "").split(",")]
    paths = [path.strip() for path in paths if path.strip()]
    if not paths:
        raise UsageError("no files: minikafka dump-log FILE… (--help tells more)")
    findings = Findings()
    dumps = _dumps(options, findings)
    for path in paths:
        file = LogFile(path)
        if not options.json:
            sys.stdout.write(f"Dumping {path}\n")
        dump = dumps.get(file.suffix) or dumps.get(file.name)
        if dump is None:
            sys.stderr.write(f"Ignoring unknown file {path}\n")
            continue
        for entry in dump(file):
            if options.json:
                sys.stdout.write(json.dumps({"file": path, **entry.data}) + "\n")
            else:
                sys.stdout.write(entry.text + "\n")
    sys.stdout.flush()
    for line in findings.lines():
        sys.stderr.write(line + "\n")
    return FAILED if findings.damaged else OK


def _dumps(options: Namespace, findings: Findings) -> dict[str, _Dump]:
    """What to do with a file, by its suffix or name."""
    segment = SegmentDump(
        findings,
        with_records=options.deep_iteration,
        with_contents=options.print_data_log,
        with_metadata=not options.skip_record_metadata,
        decoder=decoder_named(options.decoder) if options.decoder else None,
        max_bytes=options.max_bytes,
    )
    index = IndexDump(
        findings, sanity_only=options.index_sanity_check, verify_only=options.verify_index_only
    )
    return {
        ".log": segment.entries,
        ".checkpoint": segment.entries,
        ".index": index.offset_index,
        ".timeindex": index.time_index,
        ".txnindex": partial(indexes.aborted_transactions, findings=findings),
        ".snapshot": partial(indexes.producers, findings=findings),
        LEADER_EPOCHS: partial(indexes.leader_epochs, findings=findings),
    }
