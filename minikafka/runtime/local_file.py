"""A file of `LocalDisk`, and the descriptors of all its files together.

Descriptors are opened when a file is first touched and kept up to a limit; beyond it the files not
touched for longest give theirs back and open again when needed (measured: 2.5 us). A pinned file
keeps its descriptor.
"""

import errno
import os
from collections.abc import Awaitable, Callable, Sequence

from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import FileRegion

_CLOSED = -1
_BUFFERS_PER_WRITE = 1024
"""IOV_MAX of Linux and macOS."""

InThread = Callable[..., Awaitable[None]]


class OpenFiles:
    """The files that hold a descriptor now, and the thread that flushes them."""

    __slots__ = ("_files", "_limit", "in_thread")

    def __init__(self, limit: int, in_thread: InThread) -> None:
        self._files: dict[LocalFile, None] = {}
        self._limit = limit
        self.in_thread = in_thread

    def make_room(self) -> None:
        """Before one more descriptor: close one not touched since the last round, if at the limit.

        A clock hand in a dict: untouched files at its head go, touched ones get a second chance.
        """
        files = self._files
        if len(files) < self._limit:
            return
        for _ in range(2 * len(files)):
            file = next(iter(files))
            if not file.is_pinned and not file.touched:
                file.give_back()
                return
            file.touched = False
            del files[file]
            files[file] = None

    def remember(self, file: "LocalFile") -> None:
        """A file has opened its descriptor."""
        self._files[file] = None

    def forget(self, file: "LocalFile") -> None:
        """A file has closed its descriptor."""
        self._files.pop(file, None)


class LocalFile:
    """A `DataFile`: position bookkeeping, pins, and a descriptor that comes and goes."""

    __slots__ = ("_cuts", "_ended", "_fd", "_open_files", "_pins", "path", "size", "touched")

    def __init__(self, open_files: "OpenFiles", path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.touched = False
        self._open_files = open_files
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

    def reserve(self, size: int) -> None:
        """Extend the file on disk to `size` bytes; appends go on where they were."""
        if size > self.size:
            os.ftruncate(self.fileno(), size)

    def trim(self) -> None:
        """End the file on disk behind what was written."""
        os.ftruncate(self.fileno(), self.size)

    async def fsync(self) -> None:
        """Flush the data in the disk's thread; the file is pinned meanwhile."""
        fd = self.fileno()
        self._pins += 1
        try:
            await self._open_files.in_thread(_datasync, fd)
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
            self._open_files.forget(self)
            os.close(fd)

    def _open(self) -> int:
        if self._ended:
            raise OSError(errno.EBADF, "the file is closed", self.path)
        self._open_files.make_room()
        self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        self._open_files.remember(self)
        return self._fd

    def adopt(self, fd: int) -> None:
        """Take over a descriptor just opened."""
        self._fd = fd
        self._open_files.remember(self)

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


def _datasync(fd: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)
