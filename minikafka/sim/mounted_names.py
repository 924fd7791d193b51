"""The names of a simulated disk as one process sees them."""

import errno
import posixpath
from typing import TYPE_CHECKING

from minikafka.runtime.disk import FileStatus
from minikafka.sim.inode import DirectoryNode, FileNode, Node
from minikafka.sim.names import os_error

if TYPE_CHECKING:
    from minikafka.sim.disk import SimDisk


class SimLock:
    """A lock file held until released or until the process ends."""

    __slots__ = ("_disk", "_life", "_number")

    def __init__(self, disk: "SimDisk", number: int) -> None:
        self._disk = disk
        self._life = disk.life
        self._number = number

    def release(self) -> None:
        """Let another process have it; the file stays."""
        if self._life == self._disk.life:
            self._disk.locks.discard(self._number)


class MountedNames:
    """The part of a `Disk` that looks at names and changes them."""

    __slots__ = ("_disk", "_life")

    def __init__(self, disk: "SimDisk") -> None:
        self._disk = disk
        self._life = disk.life

    def exists(self, path: str) -> bool:
        """Whether `path` names a file or a directory."""
        self._require_life()
        return self._disk.names.find(path) is not None

    def stat(self, path: str) -> FileStatus:
        """Size and modification time of one name."""
        self._begin("scan", path)
        node = self._disk.names.find(path)
        if node is None:
            raise os_error(errno.ENOENT, path)
        return _status(posixpath.basename(path), node)

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, sorted."""
        self._begin("scan", path)
        return sorted(self._disk.names.directory(path).names)

    def scan(self, path: str) -> list[FileStatus]:
        """Names in a directory with their status, sorted by name."""
        self._begin("scan", path)
        names = self._disk.names.directory(path).names
        return [_status(name, names[name]) for name in sorted(names)]

    def mkdir(self, path: str, parents: bool = False) -> None:
        """Make a directory."""
        names = self._disk.names
        if parents:
            found = names.find(path)
            if isinstance(found, DirectoryNode):
                return
            above = posixpath.dirname(path.rstrip("/"))
            if above.strip("/"):
                self.mkdir(above, parents=True)
        self._begin("mkdir", path)
        directory, name = names.parent(path)
        if name in directory.names:
            raise os_error(errno.EEXIST, path)
        names.change((directory, name, self._disk.new_directory()))
        self._disk.end()

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        self._begin("rmdir", path)
        names = self._disk.names
        if names.directory(path).names:
            raise os_error(errno.ENOTEMPTY, path)
        names.change((*names.parent(path), None))
        self._disk.end()

    def rename(self, source: str, target: str) -> None:
        """Rename a file or a directory; replaces a file at `target`."""
        self._begin("rename", source)
        replaced = self._disk.names.rename(source, target)
        if isinstance(replaced, FileNode):
            self._disk.used -= len(replaced.data)
        self._disk.end()

    def unlink(self, path: str) -> None:
        """Remove a file; pinned regions of it stay readable."""
        self._begin("unlink", path)
        names = self._disk.names
        self._disk.used -= len(names.file(path).data)
        names.change((*names.parent(path), None))
        self._disk.end()

    def free_space(self, path: str) -> int:
        """Bytes that may still be written."""
        self._require_life()
        return max(0, self._disk.capacity - self._disk.used)

    def total_space(self, path: str) -> int:
        """Size of the disk in bytes."""
        self._require_life()
        return self._disk.capacity

    def lock(self, path: str) -> SimLock:
        """Hold `path`; BlockingIOError when somebody does."""
        self._require_life()
        if self._disk.names.find(path) is None:
            self._create(path)
        node = self._disk.names.file(path)
        if node.number in self._disk.locks:
            raise os_error(errno.EWOULDBLOCK, path)
        self._disk.locks.add(node.number)
        return SimLock(self._disk, node.number)

    def _begin(self, operation: str, path: str) -> None:
        self._disk.begin(self._life, operation, path)

    def _require_life(self) -> None:
        self._disk.require_life(self._life)

    def _create(self, path: str) -> FileNode:
        self._begin("create", path)
        directory, name = self._disk.names.parent(path)
        node = self._disk.new_file()
        self._disk.names.change((directory, name, node))
        self._disk.end()
        return node


def _status(name: str, node: Node) -> FileStatus:
    size = len(node.data) if isinstance(node, FileNode) else 0
    return FileStatus(name, size, node.modified_ms, isinstance(node, DirectoryNode))
