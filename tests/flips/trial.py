"""One flipped bit: open the directory, ask for everything, compare."""

import logging
from random import Random

from unit.log.making import batch

from flips.directories import Template, answers, kind, opened
from minikafka.log.errors import CorruptLogError, LogDirectoryError
from minikafka.log.partition_log import PartitionLog
from minikafka.records.batch import HEADER_BYTES, has_valid_crc, read_header

HARMLESS = "harmless"
REPORTED = "reported"
REFUSED = "refused"
CRC = "left to the reader's CRC"
BAD = "served as good"

_IN_LOG = ("start", "end", "producers")


class Told(logging.Handler):
    """Counts what the log room reports."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def flip(template: Template, random: Random) -> tuple[str, int, int]:
    """A bit of some file: (path, position, mask); each kind of file is as likely as another."""
    kinds: dict[str, list[str]] = {}
    for path in template.names:
        kinds.setdefault(kind(path), []).append(path)
    of_kind = kinds[sorted(kinds)[int(random.random() * len(kinds))]]
    path = of_kind[int(random.random() * len(of_kind))]
    return path, int(random.random() * len(template.files[path])), 1 << int(random.random() * 8)


def outcome(template: Template, path: str, position: int, mask: int, told: Told) -> str:
    """What becomes of one flipped bit."""
    told.lines.clear()
    damaged = bytearray(template.files[path])
    damaged[position] ^= mask
    try:
        _, log = opened({**template.files, path: bytes(damaged)})
        served = _served(template, log)
        if served == BAD:
            # Of a batch whose epoch fits its neighbours as well we know only by the checkpoint.
            is_epoch = kind(path) == "log" and _in_epoch(template.files[path], position)
            return REPORTED if is_epoch and told.lines else BAD
        found = answers(log)
        log.append(made := batch(), read_header(made), 99, 0)
        log.close()
    except (CorruptLogError, LogDirectoryError):
        return REFUSED
    if told.lines:
        return REPORTED
    if served == CRC:
        return CRC
    # Where an epoch ended that lies before the log start, nobody may ask any more.
    found["epochs"] = [
        then if then[1] <= template.answers["start"] else now
        for then, now in zip(template.answers["epochs"], found["epochs"], strict=True)
    ]
    different = {key for key, value in template.answers.items() if found[key] != value}
    if not different:
        return served
    if kind(path) == "log":
        # The damaged batch is found by its CRC when it is read; where it is sought is a hint.
        return CRC if served != HARMLESS else BAD
    if path.endswith("log-start-offset-checkpoint") and different <= _of_start(template, log):
        return HARMLESS  # more or less of what is deleted is shown
    return BAD


def _of_start(template: Template, log: PartitionLog) -> set[str]:
    return {"start", "stable", "times", "latest", "aborted", "epochs", "producers"}


def _served(template: Template, log: PartitionLog) -> str:
    """What readers get who check the CRC, as clients do."""
    result = HARMLESS
    for offset, batch_bytes in template.batches.items():
        if not log.log_start_offset < read_header(batch_bytes).next_offset <= log.log_end_offset:
            continue
        for max_bytes in (0, 700):
            try:
                read = log.read(
                    max(offset, log.log_start_offset),
                    max_bytes,
                    max_offset=log.log_end_offset,
                    min_one_batch=True,
                )
            except CorruptLogError:
                result = REFUSED if result == HARMLESS else result
                continue
            if read.region is None:
                return BAD
            data = read.region.read(0, read.size)
            read.region.release()
            seen = _consume(template, offset, data)
            if seen == BAD:
                return BAD
            result = CRC if seen == CRC else result
    return result


def _in_epoch(data: bytes, position: int) -> bool:
    """Whether a byte of a log file belongs to a batch's leader epoch."""
    at = 0
    while at + read_header(data, at).size_bytes <= position:
        at += read_header(data, at).size_bytes
    return 12 <= position - at < 16


def _consume(template: Template, offset: int, data: bytes) -> str:
    position = 0
    while position + HEADER_BYTES <= len(data):
        header = read_header(data, position)
        size = max(header.size_bytes, HEADER_BYTES)
        one = data[position : position + size]
        if position and len(one) < size:
            break
        if len(one) < size or not has_valid_crc(memoryview(one)):
            return CRC
        if one != template.batches.get(offset):
            return BAD
        offset = header.next_offset
        position += size
    return HARMLESS
