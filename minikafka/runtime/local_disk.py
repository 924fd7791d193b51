"""`Disk` on the file system of this machine (POSIX).

Everything is a plain system call on the loop's thread except what waits for the platter: fsync and
atomic replacement go to one thread that the disk owns (started on first use). A host whose flushes
must not queue behind others' takes a `LocalDisk` of its own.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from resource import RLIMIT_NOFILE, getrlimit
from threading import Lock as ThreadLock

from minikafka.runtime.disk import FileStatus
from minikafka.runtime.local_file import LocalFile, OpenFiles

_SYNC_ALL_FROM = 64
"""From this many files on, one sync(2) goes ahead: fsync then finds nothing left to write, ..."""
_SYNCS_AT_ONCE = 8
"""... and so many run side by side: each waits for the device's cache, which they share."""


class LocalLock:
    """A lock file held with flock(2)."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        """Let another process have it; the file stays."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LocalDisk:
    """`Disk` by `os`; see the module. `name` names its thread.

    At most `open_files_max` descriptors are kept (default: half of what the process may have).
    """

    __slots__ = ("_executor", "_name", "_open_files", "_replacing")

    def __init__(self, name: str = "disk", open_files_max: int | None = None) -> None:
        if open_files_max is None:
            # Half of what the process may have; sockets want descriptors as well.
            open_files_max = max(64, min(getrlimit(RLIMIT_NOFILE)[0], 1 << 20) // 2)
        self._name = name
        self._open_files = OpenFiles(open_files_max, self.in_thread)
        self._executor: Executor | None = None
        self._replacing = ThreadLock()

    # -- files ----------------------------------------------------------------------------------

    def open(self, path: str, create: bool = True) -> LocalFile:
        """The file at `path`, created empty if need be."""
        if not create:
            return LocalFile(self._open_files, path, os.stat(path).st_size)
        self._open_files.make_room()
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        file = LocalFile(self._open_files, path, os.fstat(fd).st_size)
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
        status = os.statvfs(path)
        return status.f_bavail * status.f_frsize

    def total_space(self, path: str) -> int:
        """Size in bytes of the file system that holds `path`."""
        status = os.statvfs(path)
        return status.f_blocks * status.f_frsize

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


def _status(name: str, result: os.stat_result) -> FileStatus:
    is_directory = (result.st_mode & 0o170000) == 0o040000
    return FileStatus(name, result.st_size, result.st_mtime_ns // 1_000_000, is_directory)


def _sync_path(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


_sync_directory = _sync_path


def _sync_paths(paths: tuple[str, ...]) -> None:
    directories = sorted({os.path.dirname(path) for path in paths})
    if len(paths) < _SYNC_ALL_FROM:
        for path in (*paths, *directories):
            _sync_if_there(path)
        return
    from concurrent.futures import ThreadPoolExecutor  # costs start-up time, not always used

    os.sync()  # reports no errors, so each file is asked all the same
    with ThreadPoolExecutor(_SYNCS_AT_ONCE, thread_name_prefix="minikafka-sync") as pool:
        for every in (paths, directories):
            list(pool.map(_sync_if_there, every))  # raises the first error


def _sync_if_there(path: str) -> None:
    with suppress(FileNotFoundError):
        _sync_path(path)


def _remove(paths: tuple[str, ...]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                with os.scandir(path) as entries:
                    inside = tuple(entry.path for entry in entries)
                _remove(inside)
                os.rmdir(path)
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
