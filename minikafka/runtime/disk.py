"""The disk as the rest of minikafka sees it.

Writing and reading are synchronous: they touch the page cache and cost a few microseconds, where a
thread would cost fifty. Only flushing to the platter is awaited. `LocalDisk` does this on a real
file system; the simulation plays the same interface with latencies, torn writes and crashes.

A `FileRegion` is how file bytes travel to a socket without being read first: a value (file,
position, size) that pins its file. A pinned file may be closed, renamed or unlinked under it; its
descriptor lives until the last pin is released. If the file is *truncated* below the end of a
region, the bytes are gone and `intact` says so: whoever sends the region must give up.
"""

from collections.abc import Sequence
from typing import Protocol

from minikafka.runtime.buffers import Buffer


class Pinnable(Protocol):
    """What a region asks of the file it belongs to."""

    def pread(self, size: int, position: int) -> bytes:
        """Up to `size` bytes from `position`; short only at the end of the file."""
        ...

    def fileno(self) -> int | None:
        """The descriptor for sendfile, valid while pinned; None where there is none."""
        ...

    def is_intact(self, mark: int, end: int) -> bool:
        """Whether every byte below `end` has stayed since the pin that returned `mark`."""
        ...

    def unpin(self) -> None:
        """Give back one pin."""
        ...


class FileRegion:
    """`size` bytes of `file` from `position` on, pinned until `release()`.

    Made by `DataFile.region`. `release` may be called once or more; everybody who receives a region
    owns exactly one release.
    """

    __slots__ = ("_mark", "_pinned", "file", "position", "size")

    def __init__(self, file: Pinnable, position: int, size: int, mark: int) -> None:
        self.file = file
        self.position = position
        self.size = size
        self._mark = mark
        self._pinned = True

    @property
    def intact(self) -> bool:
        """False when the file was cut below the region's end, or has failed, since the pin."""
        return self.file.is_intact(self._mark, self.position + self.size)

    def read(self, position_in_region: int, size: int) -> bytes:
        """At most `size` bytes from inside the region; raises OSError as the disk does."""
        size = min(size, self.size - position_in_region)
        return self.file.pread(size, self.position + position_in_region) if size > 0 else b""

    def release(self) -> None:
        """Unpin the file; the region must not be read afterwards."""
        if self._pinned:
            self._pinned = False
            self.file.unpin()


class DataFile(Pinnable, Protocol):
    """An open file that is read anywhere and written at its end."""

    path: str
    size: int

    def append(self, buffers: Sequence[Buffer]) -> int:
        """Write all buffers at the end; returns the position of the first byte.

        A write that does not fit raises OSError and leaves the file as it was.
        """
        ...

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes (never extends it); regions beyond lose `intact`."""
        ...

    def reserve(self, size: int) -> None:
        """Let the file on disk have `size` bytes at once, zeros behind those written.

        `size` here stays what was written, and appends go on there. A process that finds the file
        sees the zeros, unless `trim` was called.
        """
        ...

    def trim(self) -> None:
        """Give back what was reserved and not written."""
        ...

    async def fsync(self) -> None:
        """Make durable what was written before the call; raises OSError, after which nothing of
        this file may be called durable any more."""
        ...

    def region(self, position: int, size: int) -> FileRegion:
        """Pin `size` bytes from `position` on."""
        ...

    def close(self) -> None:
        """No more writes; the descriptor goes with the last pin."""
        ...


class FileStatus:
    """One name in a directory: `size` in bytes, `modified_ms` as a wall-clock timestamp."""

    __slots__ = ("is_directory", "modified_ms", "name", "size")

    def __init__(self, name: str, size: int, modified_ms: int, is_directory: bool) -> None:
        self.name = name
        self.size = size
        self.modified_ms = modified_ms
        self.is_directory = is_directory


class Lock(Protocol):
    """A held lock file; the operating system frees it with the process."""

    def release(self) -> None:
        """Let another process have it."""
        ...


class Disk(Protocol):
    """Names, files and durability. Paths are strings with `/`; every error is an OSError."""

    def open(self, path: str, create: bool = True) -> DataFile:
        """The file at `path`; FileNotFoundError when absent and not `create`."""
        ...

    def read_bytes(self, path: str) -> bytes:
        """The whole content of a small file."""
        ...

    def exists(self, path: str) -> bool:
        """Whether `path` names a file or a directory."""
        ...

    def stat(self, path: str) -> FileStatus:
        """Size and modification time of one name."""
        ...

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, sorted."""
        ...

    def scan(self, path: str) -> list[FileStatus]:
        """Names in a directory with their status, sorted by name."""
        ...

    def mkdir(self, path: str, parents: bool = False) -> None:
        """Make a directory; FileExistsError when it is there, unless `parents`."""
        ...

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Atomic for those who look; durable after `fsync_dir`. Files and directories."""
        ...

    def unlink(self, path: str) -> None:
        """Remove a file; pinned regions of it stay readable."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Write `path` anew through `<path>.tmp` and a rename, without waiting for durability."""
        ...

    async def replace_atomically(self, path: str, data: bytes) -> None:
        """As `replace`, durable on return: after a crash the old or the new content stands."""
        ...

    def replace_atomically_now(self, path: str, data: bytes) -> None:
        """The same, blocking: for start and stop only."""
        ...

    async def fsync_dir(self, path: str) -> None:
        """Make the names in a directory durable."""
        ...

    def fsync_dir_now(self, path: str) -> None:
        """The same, blocking: for start and stop only."""
        ...

    async def sync_paths(self, paths: Sequence[str]) -> None:
        """Make the content of these files durable, and the directories that hold them.

        A file that has gone meanwhile is passed over.
        """
        ...

    async def remove(self, paths: Sequence[str]) -> None:
        """Remove files and whole directories, off the loop: a large one takes its time."""
        ...

    def free_space(self, path: str) -> int:
        """Bytes that may still be written below `path`."""
        ...

    def total_space(self, path: str) -> int:
        """Bytes of the volume that holds `path`, used or not."""
        ...

    def lock(self, path: str) -> Lock:
        """Hold `path` as a lock file; BlockingIOError when another process does."""
        ...

    def close(self) -> None:
        """End the disk's executor after the work already handed to it."""
        ...
