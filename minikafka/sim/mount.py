"""A simulated disk as one process sees it: `runtime.disk.Disk`, without a file system.

Awaited work is done one piece after the other, as by the one thread of the real disk, in steps
between which a crash may fall.
"""

import errno
import posixpath
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import FileRegion
from minikafka.sim.disk_thread import DiskThread
from minikafka.sim.inode import DirectoryNode, FileNode, Flush
from minikafka.sim.mounted_names import MountedNames

if TYPE_CHECKING:
    from minikafka.sim.disk import SimDisk


class SimFile:
    """A `DataFile`: the process's view of a file, with pins as the real one has."""

    __slots__ = ("_cuts", "_disk", "_ended", "_life", "_node", "_pins", "_thread", "path", "size")

    def __init__(self, disk: "SimDisk", thread: DiskThread, path: str, node: FileNode) -> None:
        self.path = path
        self.size = len(node.data)
        self._disk = disk
        self._thread = thread
        self._life = disk.life
        self._node = node
        self._pins = 0
        self._ended = False
        self._cuts: list[int] = []

    def append(self, buffers: Sequence[Buffer]) -> int:
        """Write all buffers at the end; returns the position of the first byte."""
        position = self.size
        self._begin("append")
        data = b"".join(buffers)
        disk, node = self._disk, self._node
        grows = max(0, position + len(data) - len(node.data))
        disk.claim(grows, self.path)
        disk.append_in_part(node, position, data)
        node.write(position, data)
        node.modified_ms = disk.wall_ms()
        self.size = position + len(data)
        disk.stall(disk.write_s + len(data) / disk.bytes_per_s)
        disk.end()
        return position

    def pread(self, size: int, position: int) -> bytes:
        """Up to `size` bytes from `position`."""
        self._begin("pread")
        self._disk.stall(self._disk.read_s)
        return bytes(self._node.data[position : position + size])

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes; never extends it."""
        if size >= self.size:
            return
        self._begin("truncate")
        node = self._node
        self._disk.used -= max(0, len(node.data) - size)
        node.truncate(size)
        node.modified_ms = self._disk.wall_ms()
        self.size = size
        if self._pins:
            self._cuts.append(size)
        self._disk.end()

    def reserve(self, size: int) -> None:
        """Let the file have `size` bytes at once, zeros behind those written."""
        more = size - len(self._node.data)
        if more > 0:
            self._begin("append")
            self._disk.claim(more, self.path)
            self._node.write(len(self._node.data), bytes(more))
            self._disk.end()

    def trim(self) -> None:
        """Give back what was reserved and not written."""
        self._begin("truncate")
        self._disk.used -= max(0, len(self._node.data) - self.size)
        self._node.truncate(self.size)
        self._disk.end()

    async def fsync(self) -> None:
        """Make durable what was written before the call."""
        self._alive()
        flush = self._node.begin_flush()
        self._pins += 1
        try:
            await self._thread.run(_flush(self._disk, self._life, self.path, self._node, flush))
        finally:
            self.unpin()

    def region(self, position: int, size: int) -> FileRegion:
        """Pin `size` bytes from `position` on."""
        self._alive()
        self._pins += 1
        return FileRegion(self, position, size, len(self._cuts))

    def fileno(self) -> int | None:
        """No descriptor: regions are read and written, never handed to the kernel."""
        return None

    def is_intact(self, mark: int, end: int) -> bool:
        """Whether every byte below `end` has stayed since `mark`."""
        return all(cut >= end for cut in self._cuts[mark:])

    def unpin(self) -> None:
        """Give back one pin."""
        assert self._pins > 0, "more pins released than taken"
        self._pins -= 1
        if self._pins == 0:
            self._cuts.clear()

    def close(self) -> None:
        """End the file; pinned regions stay readable."""
        self._ended = True

    def _alive(self) -> None:
        if self._ended and not self._pins:
            raise OSError(errno.EBADF, "the file is closed", self.path)

    def _begin(self, operation: str) -> None:
        self._alive()
        self._disk.begin(self._life, operation, self.path)


class Mount(MountedNames):
    """A `Disk`; see the module. Dead after the disk's next crash."""

    __slots__ = ("_thread",)

    def __init__(self, disk: "SimDisk") -> None:
        super().__init__(disk)
        self._thread = DiskThread(self._require_life)

    # -- files ------------------------------------------------------------------------------------

    def open(self, path: str, create: bool = True) -> SimFile:
        """The file at `path`, created empty if need be."""
        if create and self._disk.names.find(path) is None:
            node = self._create(path)
        else:
            self._begin("open", path)
            node = self._disk.names.file(path)
        return SimFile(self._disk, self._thread, path, node)

    def read_bytes(self, path: str) -> bytes:
        """The whole content of a small file."""
        self._begin("open", path)
        node = self._disk.names.file(path)
        self._begin("pread", path)
        self._disk.stall(self._disk.read_s)
        return bytes(node.data)

    def replace(self, path: str, data: bytes) -> None:
        """Write `path` anew, atomic for those who look."""
        self._now(self._write_anew(path, data, durable=False))

    def replace_atomically_now(self, path: str, data: bytes) -> None:
        """Write `path` anew; durable on return. Blocks."""
        self._now(self._write_anew(path, data, durable=True))

    async def replace_atomically(self, path: str, data: bytes) -> None:
        """Write `path` anew; durable on return."""
        await self._thread.run(self._write_anew(path, data, durable=True), exclusive=True)

    # -- durability -------------------------------------------------------------------------------

    async def fsync_dir(self, path: str) -> None:
        """Make the names in a directory durable."""
        await self._thread.run(self._flush_names(path, self._disk.names.changes))

    def fsync_dir_now(self, path: str) -> None:
        """Make the names in a directory durable. Blocks."""
        self._now(self._flush_names(path, self._disk.names.changes))

    async def sync_paths(self, paths: Sequence[str]) -> None:
        """Make these files and the directories that hold them durable."""
        await self._thread.run(self._sync_paths(tuple(paths)))

    async def remove(self, paths: Sequence[str]) -> None:
        """Remove files and whole directories."""
        await self._thread.run(self._remove(tuple(paths)))

    def close(self) -> None:
        """Do the work already handed over."""
        if self._life == self._disk.life:
            self._thread.finish(self._disk.stall)

    # -- steps ------------------------------------------------------------------------------------

    def _now(self, steps: Iterator[float]) -> None:
        """Do all steps in this call; a replacement under way in the thread comes first."""
        self._thread.finish_exclusive(self._disk.stall)
        for seconds in steps:
            self._disk.stall(seconds)

    def _write_anew(self, path: str, data: bytes, *, durable: bool) -> Iterator[float]:
        temporary = self.open(f"{path}.tmp")
        temporary.truncate(0)
        temporary.append((data,))
        yield 0.0
        if durable:
            node = self._disk.names.file(temporary.path)
            yield from _flush(self._disk, self._life, temporary.path, node, node.begin_flush())
        self.rename(temporary.path, path)
        if durable:
            yield from self._flush_names(posixpath.dirname(path), self._disk.names.changes)

    def _flush_names(self, path: str, before: int) -> Iterator[float]:
        directory = self._disk.names.directory(path)
        yield self._disk.flush_latency()
        self._begin("fsync_dir", path)
        self._disk.names.sync(directory, before)
        self._disk.end()

    def _sync_paths(self, paths: tuple[str, ...]) -> Iterator[float]:
        names = self._disk.names
        for path in paths:
            node = names.find(path)
            if isinstance(node, FileNode):
                yield from _flush(self._disk, self._life, path, node, node.begin_flush())
            elif node is not None:
                yield from self._flush_names(path, names.changes)
        for directory in sorted({posixpath.dirname(path) for path in paths}):
            if names.find(directory) is not None:
                yield from self._flush_names(directory, names.changes)

    def _remove(self, paths: tuple[str, ...]) -> Iterator[float]:
        for path in paths:
            with suppress(FileNotFoundError):
                if isinstance(self._disk.names.find(path), DirectoryNode):
                    yield from self._remove(tuple(f"{path}/{name}" for name in self.listdir(path)))
                    self.rmdir(path)
                else:
                    self.unlink(path)
            yield self._disk.write_s


def _flush(disk: "SimDisk", life: int, path: str, node: FileNode, flush: Flush) -> Iterator[float]:
    """The steps of an fsync; a failed one forgets the pages it carried."""
    yield disk.flush_latency()
    try:
        disk.begin(life, "fsync", path)
    except OSError:
        node.abandon_flush(flush)
        raise
    node.finish_flush(flush)
    disk.end()
