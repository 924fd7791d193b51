"""What can be wrong with the files of a log."""

from errno import EDQUOT, ENOSPC

from minikafka.protocol.errors import ErrorCode, KafkaError


class CorruptLogError(KafkaError):
    """A file that holds something else than its format allows and that recovery must not cut.

    `path` names the file, `offset` the record offset or byte position at fault, `reason` the fault.
    To a client of a running broker it is 2 CORRUPT_MESSAGE of that partition, the others go on; a
    start ends with it.
    """

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(ErrorCode.CORRUPT_MESSAGE, f"{path} at {offset}: {reason}")
        self.path = path
        self.offset = offset
        self.reason = reason


class LogDirectoryError(Exception):
    """A log directory that must not be used: another node's, in use, or holding foreign folders."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class LogChangedError(Exception):
    """The log was cut, deleted or closed under a pass of compaction, which is given up."""


class OffsetGapError(Exception):
    """Batches leave offsets out: recovery must know that this may be before they are written."""


class BatchAroundStartError(Exception):
    """The first batch for an empty log begins before the log does and ends behind its start: the
    leader's records have been deleted up to somewhere in the middle of that batch."""

    def __init__(self, base_offset: int) -> None:
        super().__init__(f"a batch that begins at {base_offset}")
        self.base_offset = base_offset


def is_disk_full(error: OSError) -> bool:
    """Whether there is merely no room: nothing is damaged, and it goes on when there is again."""
    return error.errno in (ENOSPC, EDQUOT)
