"""Files and directories of a simulated disk: what everybody sees, and what is on the platter.

A file keeps two images, the visible one (the page cache) and the durable one, and which pages of
the first are newer. A directory keeps two tables of names likewise; the changes between them are in
the journal (`names`). A loss of power makes one image of two.
"""

from collections.abc import Callable
from typing import Final, Literal

from minikafka.runtime.buffers import Buffer

PAGE: Final = 4096
SECTOR: Final = 512
_TORN_SHARE: Final = 0.3
"""Of the pages that do not survive whole, those that survive in part."""

Loss = Literal["lose", "keep", "mixed"]
"""What a loss of power does to unsynced writes: all lost, all kept, or each by chance."""


class Flush:
    """An fsync under way: the pages it carries, the size it will make durable."""

    __slots__ = ("low", "pages", "size")

    def __init__(self, pages: dict[int, bytes], size: int, low: int) -> None:
        self.pages = pages
        self.size = size
        self.low = low


class FileNode:
    """A file. `data` is visible, `durable` on the platter, `dirty` the pages newer than that.

    `low` is the smallest size the file had since the last fsync began: below it nothing has been
    cut away. After a failed fsync its pages are neither dirty nor durable, as with a real kernel: a
    second fsync that succeeds does not save them.
    """

    __slots__ = ("data", "dirty", "durable", "flushes", "low", "modified_ms", "number")

    def __init__(self, number: int, modified_ms: int) -> None:
        self.number = number
        self.modified_ms = modified_ms
        self.data = bytearray()
        self.durable = bytearray()
        self.dirty: set[int] = set()
        self.low = 0
        self.flushes: list[Flush] = []

    def write(self, position: int, data: Buffer) -> None:
        """Put bytes at a position; a gap before them reads as zeros."""
        visible = self.data
        start, end = min(position, len(visible)), position + len(data)
        if end == start:
            return
        if position > len(visible):
            visible.extend(bytes(position - len(visible)))
        visible[position:end] = data
        self.dirty.update(range(start // PAGE, (end - 1) // PAGE + 1))

    def truncate(self, size: int) -> None:
        """Cut to `size` bytes."""
        del self.data[size:]
        self.low = min(self.low, size)
        self.dirty = {page for page in self.dirty if page * PAGE < size}

    def begin_flush(self) -> Flush:
        """What an fsync called now covers: everything written before it."""
        pages = {page: self._page(self.data, page) for page in sorted(self.dirty)}
        flush = Flush(pages, len(self.data), self.low)
        self.dirty, self.low = set(), len(self.data)
        self.flushes.append(flush)
        return flush

    def finish_flush(self, flush: Flush) -> None:
        """The platter has it."""
        self.flushes.remove(flush)
        durable = self.durable
        del durable[flush.low :]
        for page, content in flush.pages.items():
            _place(durable, page * PAGE, content)
        if len(durable) < flush.size:
            durable.extend(bytes(flush.size - len(durable)))

    def abandon_flush(self, flush: Flush) -> None:
        """The fsync failed: its pages count as clean and are not on the platter."""
        self.flushes.remove(flush)
        self.low = min(self.low, flush.low)

    def surely(self) -> bytes:
        """What every loss of power leaves of the content."""
        return bytes(self.durable[: self._lowest()])

    def surely_size(self) -> int:
        """How much that is."""
        return min(len(self.durable), self._lowest())

    def end_flushes(self) -> None:
        """The process that had called fsync is gone; the pages are as dirty as before."""
        self.low = self._lowest()
        for flush in self.flushes:
            self.dirty.update(flush.pages)
        self.flushes.clear()

    def lose_power(self, loss: Loss, keep_share: float, random: Callable[[], float]) -> None:
        """Each unsynced page is lost, kept or torn at a sector; so is a cut lost or kept."""
        self.end_flushes()

        def survives() -> bool:
            return loss == "keep" or (loss == "mixed" and random() < keep_share)

        result = bytearray(self.durable)
        if self.low < len(result) and survives():
            del result[self.low :]
        for page in sorted(self.dirty):
            old, new = self._page(result, page), self._page(self.data, page)
            new = new.ljust(len(old), b"\0")
            if survives():
                _place(result, page * PAGE, new)
            elif loss == "mixed" and random() < _TORN_SHARE:
                cut = SECTOR * int(random() * (PAGE // SECTOR))
                _place(result, page * PAGE, new[:cut] + old[cut:])
        self.data, self.durable = result, bytearray(result)
        self.dirty.clear()
        self.low = len(result)

    def flip(self, position: int, mask: int) -> None:
        """Bit rot: on the platter, and so in what is read of it."""
        for image in (self.data, self.durable):
            if position < len(image):
                image[position] ^= mask

    def _lowest(self) -> int:
        return min([self.low, *(flush.low for flush in self.flushes)])

    @staticmethod
    def _page(image: bytearray, page: int) -> bytes:
        return bytes(image[page * PAGE : (page + 1) * PAGE])


class DirectoryNode:
    """A directory: the names everybody sees, and those a loss of power cannot take back."""

    __slots__ = ("durable", "modified_ms", "names", "number")

    def __init__(self, number: int, modified_ms: int) -> None:
        self.number = number
        self.modified_ms = modified_ms
        self.names: dict[str, Node] = {}
        self.durable: dict[str, Node] = {}


Node = FileNode | DirectoryNode


def _place(image: bytearray, position: int, content: bytes) -> None:
    if content:
        if position > len(image):
            image.extend(bytes(position - len(image)))
        image[position : position + len(content)] = content
