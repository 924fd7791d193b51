"""`Disk` on the file system of this machine (POSIX).

Everything is a plain system call on the loop's thread except what waits for the platter: fsync and
atomic replacement go to one thread that the disk owns (started on first use). A host whose flushes
must not queue behind others' takes a `LocalDisk` of its own.

Descriptors are opened when a file is first touched and kept up to `open_files_max`; beyond it the
files not touched for longest give theirs back and open again when needed (measured: 2.5 us). A
pinned file keeps its descriptor.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from resource import RLIMIT_NOFILE, getrlimit
from threading import Lock as ThreadLock

from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import FileRegion, FileStatus

_CLOSED = -1
_BUFFERS_PER_WRITE = 1024
"""IOV_MAX of Linux and macOS."""

_SYNC_ALL_FROM = 64
"""From this many files on, one sync(2) goes ahead: fsync then finds nothing left to write."""


class LocalFile:
    """A `DataFile`: position bookkeeping, pins, and a descriptor that comes and goes."""

    __slots__ = ("_cuts", "_disk", "_ended", "_fd", "_pins", "path", "size", "touched")

    def __init__(self, disk: "LocalDisk", path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.touched = False
        self._disk = disk
        self._fd = _CLOSED
        self._pins = 0
        self._ended = False
        # Sizes the file was cut to while pinned: a region is intact if none is below its end.
        self._cuts: list[int] = []

    @property
    def is_pinned(self) -> bool:
        """Whether a region or a flush needs the descriptor to stay."""
        return self._pins > 0

    def append(self, buffers: Sequence[Buffer]) -> int:
        """Write all buffers at the end with one system call; returns the position of the first."""
        fd = self._fd
        if fd < 0:
            fd = self._open()
        self.touched = True
        position = self.size
        if len(buffers) == 1:
            size = len(buffers[0])
            written = os.pwrite(fd, buffers[0], position)
        else:
            if len(buffers) > _BUFFERS_PER_WRITE:
                buffers = (b"".join(buffers),)
            size = sum(map(len, buffers))
            written = os.pwritev(fd, buffers, position)
        if written != size:
            self._finish_short_write(fd, b"".join(buffers), position, written)
        self.size = position + size
        return position

    def pread(self, size: int, position: int) -> bytes:
        """Up to `size` bytes from `position`."""
        fd = self._fd
        if fd < 0:
            fd = self._open()
        self.touched = True
        return os.pread(fd, size, position)

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes; never extends it."""
        if size >= self.size:
            return
        os.ftruncate(self.fileno(), size)
        self.size = size
        if self._pins:
            self._cuts.append(size)

    async def fsync(self) -> None:
        """Flush the data in the disk's thread; the file is pinned meanwhile."""
        fd = self.fileno()
        self._pins += 1
        try:
            await self._disk.in_thread(_datasync, fd)
        finally:
            self.unpin()

    def fileno(self) -> int:
        """The descriptor, opened if need be; stable while the file is pinned."""
        self.touched = True
        return self._fd if self._fd >= 0 else self._open()

    def region(self, position: int, size: int) -> FileRegion:
        """Pin `size` bytes from `position` on."""
        if self._fd < 0:
            # Open now: a region must outlive an unlink, and opening could fail later.
            self._open()
        self._pins += 1
        return FileRegion(self, position, size, len(self._cuts))

    def is_intact(self, mark: int, end: int) -> bool:
        """Whether every byte below `end` has stayed since `mark`."""
        cuts = self._cuts
        return len(cuts) == mark or min(cuts[mark:]) >= end

    def unpin(self) -> None:
        """Give back one pin; the last one of a closed file closes the descriptor."""
        assert self._pins > 0, "more pins released than taken"
        self._pins -= 1
        if self._pins == 0:
            self._cuts.clear()
            if self._ended:
                self.give_back()

    def close(self) -> None:
        """End the file; its descriptor goes with the last pin."""
        self._ended = True
        if self._pins == 0:
            self.give_back()

    def give_back(self) -> None:
        """Close the descriptor; the next use opens it again."""
        if self._fd >= 0:
            fd, self._fd = self._fd, _CLOSED
            self._disk.forget(self)
            os.close(fd)

    def _open(self) -> int:
        if self._ended:
            raise OSError(errno.EBADF, "the file is closed", self.path)
        self._disk.make_room()
        self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        self._disk.remember(self)
        return self._fd

    def adopt(self, fd: int) -> None:
        """Take over a descriptor just opened."""
        self._fd = fd
        self._disk.remember(self)

    def _finish_short_write(self, fd: int, data: bytes, position: int, written: int) -> None:
        """Write the rest; a full disk says so now, and what got through is taken back."""
        try:
            while written < len(data):
                more = os.pwrite(fd, data[written:], position + written)
                if more == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
                written += more
        except OSError:
            os.ftruncate(fd, position)
            raise


class LocalLock:
    """A lock file held with flock(2)."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        """Let another process have it; the file stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = _CLOSED


class LocalDisk:
    """`Disk` by `os`; see the module. `name` names its thread."""

    __slots__ = ("_executor", "_name", "_open", "_open_files_max", "_replacing")

    def __init__(self, name: str = "disk", open_files_max: int | None = None) -> None:
        if open_files_max is None:
            # Half of what the process may have; sockets want descriptors as well.
            open_files_max = max(64, min(getrlimit(RLIMIT_NOFILE)[0], 1 << 20) // 2)
        self._name = name
        self._open_files_max = open_files_max
        self._open: dict[LocalFile, None] = {}
        self._executor: Executor | None = None
        self._replacing = ThreadLock()

    # -- files ----------------------------------------------------------------------------------

    def open(self, path: str, create: bool = True) -> LocalFile:
        """The file at `path`, created empty if need be."""
        if not create:
            return LocalFile(self, path, os.stat(path).st_size)
        self.make_room()
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        file = LocalFile(self, path, os.fstat(fd).st_size)
        file.adopt(fd)
        return file

    def read_bytes(self, path: str) -> bytes:
        """The whole content of a small file."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = []
            while part := os.read(fd, 1 << 20):
                parts.append(part)
            return b"".join(parts)
        finally:
            os.close(fd)

    def replace(self, path: str, data: bytes) -> None:
        """Write `path` anew, atomic for those who look."""
        with self._replacing:
            _write_anew(path, data, durable=False)

    def replace_atomically_now(self, path: str, data: bytes) -> None:
        """Write `path` anew; durable on return. Blocks: for start and stop only."""
        with self._replacing:
            _write_anew(path, data, durable=True)

    async def replace_atomically(self, path: str, data: bytes) -> None:
        """Write `path` anew in the disk's thread; durable on return."""
        await self.in_thread(self.replace_atomically_now, path, data)

    # -- names ----------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Whether `path` names a file or a directory."""
        return os.path.exists(path)

    def stat(self, path: str) -> FileStatus:
        """Size and modification time of one name."""
        return _status(os.path.basename(path), os.stat(path))

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, sorted."""
        return sorted(os.listdir(path))

    def scan(self, path: str) -> list[FileStatus]:
        """Names in a directory with their status, sorted by name."""
        with os.scandir(path) as entries:
            found = [_status(entry.name, entry.stat()) for entry in entries]
        found.sort(key=lambda status: status.name)
        return found

    def mkdir(self, path: str, parents: bool = False) -> None:
        """Make a directory."""
        if parents:
            os.makedirs(path, exist_ok=True)
        else:
            os.mkdir(path)

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        os.rmdir(path)

    def rename(self, source: str, target: str) -> None:
        """Rename a file or a directory; replaces a file at `target`."""
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def free_space(self, path: str) -> int:
        """Bytes free for this process on the file system that holds `path`."""
        return shutil.disk_usage(path).free

    def lock(self, path: str) -> LocalLock:
        """Hold `path`; BlockingIOError when another process does."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            flock(fd, LOCK_EX | LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        return LocalLock(fd)

    # -- durability -----------------------------------------------------------------------------

    async def fsync_dir(self, path: str) -> None:
        """Make the names in a directory durable."""
        await self.in_thread(_sync_directory, path)

    def fsync_dir_now(self, path: str) -> None:
        """Make the names in a directory durable. Blocks: for start and stop only."""
        _sync_directory(path)

    async def sync_paths(self, paths: Sequence[str]) -> None:
        """Make these files and the directories that hold them durable."""
        await self.in_thread(_sync_paths, tuple(paths))

    async def remove(self, paths: Sequence[str]) -> None:
        """Remove files and whole directories in the disk's thread."""
        await self.in_thread(_remove, tuple(paths))

    async def in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        """Run blocking `work` in the disk's one thread, in the order of the calls."""
        if self._executor is None:
            from concurrent.futures import (
                ThreadPoolExecutor,
            )  # costs start-up time, not always used

            self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"minikafka-{self._name}")
        await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)

    def close(self) -> None:
        """Wait for the work handed to the thread and end it."""
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            self._executor = None

    # -- descriptors ----------------------------------------------------------------------------

    def make_room(self) -> None:
        """Before one more descriptor: close one not touched since the last round, if at the limit.

        A clock hand in a dict: untouched files at its head go, touched ones get a second chance.
        """
        files = self._open
        if len(files) < self._open_files_max:
            return
        for _ in range(2 * len(files)):
            file = next(iter(files))
            if not file.is_pinned and not file.touched:
                file.give_back()
                return
            file.touched = False
            del files[file]
            files[file] = None

    def remember(self, file: LocalFile) -> None:
        """A file has opened its descriptor."""
        self._open[file] = None

    def forget(self, file: LocalFile) -> None:
        """A file has closed its descriptor."""
        self._open.pop(file, None)


def _status(name: str, result: os.stat_result) -> FileStatus:
    is_directory = (result.st_mode & 0o170000) == 0o040000
    return FileStatus(name, result.st_size, result.st_mtime_ns // 1_000_000, is_directory)


def _datasync(fd: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def _sync_path(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


_sync_directory = _sync_path


def _sync_paths(paths: tuple[str, ...]) -> None:
    if len(paths) >= _SYNC_ALL_FROM:
        os.sync()  # reports no errors, so each file is asked all the same
    for path in paths:
        with suppress(FileNotFoundError):
            _sync_path(path)
    for directory in sorted({os.path.dirname(path) for path in paths}):
        with suppress(FileNotFoundError):
            _sync_directory(directory)


def _remove(paths: tuple[str, ...]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)


def _write_anew(path: str, data: bytes, *, durable: bool) -> None:
    temporary = f"{path}.tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)
    if durable:
        _sync_directory(os.path.dirname(path))
