"""Logs as their bytes lie on a simulated disk, read without the code that wrote them."""

from collections.abc import Iterator
from typing import NamedTuple

from minikafka.records.batch import BatchHeader, walk
from minikafka.records.errors import CorruptRecordError
from minikafka.sim.disk import SimDisk
from minikafka.sim.inode import DirectoryNode, FileNode

_SUFFIX = ".log"


class Batch(NamedTuple):
    """A batch and its header."""

    header: BatchHeader
    data: bytes


class LogReader:
    """Follows one log of one life of a process, batch after batch: `next_offset` is the next."""

    def __init__(self, disk: SimDisk, directory: str) -> None:
        self._disk = disk
        self._directory = directory
        self.next_offset = 0
        self._base = -1
        self._position = 0

    def rewind(self, offset: int) -> None:
        """Go back: the log was cut there."""
        self.next_offset = offset
        self._base, self._position = -1, 0

    def below(self, offset: int) -> Iterator[Batch]:
        """What follows, as far as it ends at or below an offset. Before the log's start there is
        nothing: the reader begins where the log does."""
        while self.next_offset < offset:
            batch = self._next(offset)
            if batch is None:
                return
            self.next_offset = batch.header.next_offset
            yield batch

    def _next(self, limit: int) -> Batch | None:
        for base, node in self._segments():
            if base < self._base:
                continue
            position = self._position if base == self._base else 0
            for batch in _batches(node, position):
                position += len(batch.data)
                if batch.header.next_offset > limit:
                    return None
                if batch.header.next_offset > self.next_offset:
                    self._base, self._position = base, position
                    return batch
        return None

    def _segments(self) -> list[tuple[int, FileNode]]:
        found = segments(self._disk, self._directory)
        # Begin with the last that may hold the next offset.
        first = max((n for n, (base, _) in enumerate(found) if base <= self.next_offset), default=0)
        return found[first:]


def segments(disk: SimDisk, directory: str) -> list[tuple[int, FileNode]]:
    """(first offset, file) of the segments in a directory, in their order."""
    node = disk.names.find(directory)
    names = sorted(node.names) if isinstance(node, DirectoryNode) else []
    found = []
    for name in names:
        file = node.names[name] if isinstance(node, DirectoryNode) else None
        if name.endswith(_SUFFIX) and isinstance(file, FileNode):
            found.append((int(name.removesuffix(_SUFFIX)), file))
    return found


def holds(disk: SimDisk, directory: str, batch: Batch, *, surely: bool) -> bool:
    """Whether a log has a batch: on the disk as it is, or as every loss of power would leave it."""
    found = None
    for base, node in segments(disk, directory):
        if base > batch.header.base_offset:
            break
        found = node
    if found is None or batch.data not in found.data:
        return False
    if not surely:
        return True
    path = _path_of(disk, directory, found)
    return batch.data in (disk.surely(path) or b"")


def log_end(disk: SimDisk, directory: str) -> int:
    """The offset after the last batch of a log."""
    end = 0
    for base, node in segments(disk, directory)[-1:]:
        end = max([base, *(batch.header.next_offset for batch in _batches(node, 0))])
    return end


def sure_end(disk: SimDisk, directory: str) -> int:
    """The offset after the last batch that every loss of power leaves, with all before it."""
    end = 0
    for base, node in segments(disk, directory):
        end = max(end, base)
        sure = disk.surely(_path_of(disk, directory, node)) or b""
        for batch in _batches(node, 0):
            if batch.data not in sure:
                return end
            end = batch.header.next_offset
    return end


def _batches(node: FileNode, position: int) -> Iterator[Batch]:
    data = node.data
    view = bytes(data[position:])
    try:
        for at, header in walk(view):
            yield Batch(header, view[at : at + header.size_bytes])
    except CorruptRecordError:
        return


def _path_of(disk: SimDisk, directory: str, file: FileNode) -> str:
    node = disk.names.directory(directory)
    return next(f"{directory}/{name}" for name, each in node.names.items() if each is file)
