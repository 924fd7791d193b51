"""Files of a log directory, opened for reading only and mapped, however large they are."""

from __future__ import annotations

import mmap
from pathlib import Path

from minikafka.cli.exits import ToolError


class LogFile:
    """`path` as it was given, its `content`; `base_offset` is in the names of all but a few."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = Path(path).name
        with Path(path).open("rb") as file:
            empty = file.seek(0, 2) == 0
            self.content = memoryview(
                b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            )

    @property
    def suffix(self) -> str:
        """`.log`, `.index` … ; empty for a file without."""
        return Path(self.name).suffix

    @property
    def base_offset(self) -> int:
        """The number that the name begins with. ToolError when there is none."""
        number = self.name.partition(".")[0]
        if not number.isdecimal():
            raise ToolError(f"{self.path}: the name does not begin with an offset")
        return int(number)

    def beside(self, suffix: str) -> LogFile:
        """The file of the same segment with another suffix. OSError if there is none."""
        return LogFile(str(Path(self.path).with_suffix(suffix)))
