"""The names of a simulated disk, and the journal of changes that no fsync has made durable.

`fsync_dir` makes the changes of one directory durable, in their order. At a loss of power some
first part of each directory's changes survives; a rename is one change, even between directories.
"""

import errno
import os
from collections.abc import Callable

from minikafka.sim.inode import DirectoryNode, FileNode, Loss, Node

Edit = tuple[DirectoryNode, str, Node | None]
"""In this directory this name now means that, or nothing."""


def os_error(number: int, path: str) -> OSError:
    """The error as the operating system would give it, of the right subclass."""
    return OSError(number, os.strerror(number), path)


class Names:
    """The tree of names. Paths have `/`; the root is always there."""

    __slots__ = ("_changes", "_journal", "root")

    def __init__(self, root: DirectoryNode) -> None:
        self.root = root
        self._journal: dict[int, tuple[Edit, ...]] = {}
        self._changes = 0

    # -- looking ----------------------------------------------------------------------------------

    def find(self, path: str) -> Node | None:
        """What a path names, if anything."""
        node: Node | None = self.root
        for part in _parts(path):
            if not isinstance(node, DirectoryNode):
                return None
            node = node.names.get(part)
        return node

    def file(self, path: str) -> FileNode:
        """The file at a path; raises as open(2) does."""
        node = self.find(path)
        if node is None:
            raise os_error(errno.ENOENT, path)
        if isinstance(node, DirectoryNode):
            raise os_error(errno.EISDIR, path)
        return node

    def directory(self, path: str) -> DirectoryNode:
        """The directory at a path; raises as opendir(3) does."""
        node = self.find(path)
        if node is None:
            raise os_error(errno.ENOENT, path)
        if isinstance(node, FileNode):
            raise os_error(errno.ENOTDIR, path)
        return node

    def parent(self, path: str) -> tuple[DirectoryNode, str]:
        """The directory a path is in, and its name there."""
        above, _, name = path.rstrip("/").rpartition("/")
        return self.directory(above), name

    # -- changing ---------------------------------------------------------------------------------

    def change(self, *edits: Edit) -> None:
        """One change, visible at once."""
        for directory, name, node in edits:
            if node is None:
                del directory.names[name]
            else:
                directory.names[name] = node
        self._journal[self._changes] = edits
        self._changes += 1

    def rename(self, source: str, target: str) -> Node | None:
        """Rename a file or directory; returns what was at the target before."""
        node = self.find(source)
        if node is None:
            raise os_error(errno.ENOENT, source)
        from_directory, from_name = self.parent(source)
        to_directory, to_name = self.parent(target)
        replaced = to_directory.names.get(to_name)
        if replaced is node:
            return None
        if isinstance(replaced, DirectoryNode):
            if isinstance(node, FileNode):
                raise os_error(errno.EISDIR, target)
            if replaced.names:
                raise os_error(errno.ENOTEMPTY, target)
        elif replaced is not None and isinstance(node, DirectoryNode):
            raise os_error(errno.ENOTDIR, target)
        self.change((to_directory, to_name, node), (from_directory, from_name, None))
        return replaced

    # -- durability -------------------------------------------------------------------------------

    @property
    def changes(self) -> int:
        """How many changes there have been; `sync` takes it for a point in time."""
        return self._changes

    def sync(self, directory: DirectoryNode, before: int) -> None:
        """Make durable what the changes `before` a point in time did to a directory.

        A change that concerns a second directory takes along what came before it there.
        """
        wanted = {directory.number}
        taken = []
        for change in reversed([change for change in self._journal if change < before]):
            concerned = {edited.number for edited, _, _ in self._journal[change]}
            if concerned & wanted:
                wanted |= concerned
                taken.append(change)
        for change in reversed(taken):
            _apply(self._journal.pop(change))

    def surely(self, path: str) -> Node | None:
        """What a path names after every loss of power."""
        unsure = {
            (edited.number, name) for edits in self._journal.values() for edited, name, _ in edits
        }
        node: Node | None = self.root
        for part in _parts(path):
            if not isinstance(node, DirectoryNode) or (node.number, part) in unsure:
                return None
            node = node.durable.get(part)
        return node

    def lose_power(self, loss: Loss, random: Callable[[], float]) -> None:
        """Of each directory's changes a first part survives; then the durable names are seen."""
        counts: dict[int, int] = {}
        for edits in self._journal.values():
            for number in {edited.number: None for edited, _, _ in edits}:
                counts[number] = counts.get(number, 0) + 1
        for number, count in counts.items():
            share = {"lose": 0.0, "keep": 1.0}.get(loss)
            counts[number] = round((random() if share is None else share) * count)
        for edits in self._journal.values():
            concerned = {edited.number: None for edited, _, _ in edits}
            if all(counts[number] > 0 for number in concerned):
                _apply(edits)
                for number in concerned:
                    counts[number] -= 1
            else:
                for number in concerned:
                    counts[number] = 0
        nodes = self.walk()
        self._journal.clear()
        for node in nodes:
            if isinstance(node, DirectoryNode):
                node.names = dict(node.durable)

    def walk(self) -> list[Node]:
        """Every node that is seen now or may be after a loss of power, once."""
        seen: dict[int, Node] = {}
        waiting: list[Node] = [self.root]
        for edits in self._journal.values():
            waiting += [node for _, _, node in edits if node is not None]
        while waiting:
            node = waiting.pop()
            if node.number not in seen:
                seen[node.number] = node
                if isinstance(node, DirectoryNode):
                    waiting += node.names.values()
                    waiting += node.durable.values()
        return list(seen.values())


def _apply(edits: tuple[Edit, ...]) -> None:
    for directory, name, node in edits:
        if node is None:
            directory.durable.pop(name, None)
        else:
            directory.durable[name] = node


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
