"""A line on stderr that tells how far a tool is: on a terminal only, never into a pipe."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

_EVERY_S: Final = 0.25
_UNITS: Final = ("B", "KiB", "MiB", "GiB")
_STEP: Final = 1024


class Progress:
    """Counts records and bytes; time is the loop's."""

    def __init__(self, *, shown: bool) -> None:
        self.records = 0
        self.size_bytes = 0
        self._shown = shown and sys.stderr.isatty()
        self._loop = asyncio.get_running_loop()
        self._started = self._last = self._loop.time()

    def add(self, records: int, size_bytes: int) -> None:
        """So many more; tells of it a few times a second."""
        self.records += records
        self.size_bytes += size_bytes
        if self._shown and (now := self._loop.time()) - self._last >= _EVERY_S:
            self._last = now
            self._say("\r")

    def end(self) -> None:
        """The last word."""
        if self._shown:
            self._say("\r")
            sys.stderr.write("\n")

    def _say(self, before: str) -> None:
        elapsed = max(self._loop.time() - self._started, 0.001)
        rate = f"{self.records / elapsed:,.0f} records/s, {_size(self.size_bytes / elapsed)}/s"
        text = f"{self.records:,} records, {_size(self.size_bytes)}, {rate}"
        sys.stderr.write(f"{before}{text}\x1b[K")
        sys.stderr.flush()


def _size(size_bytes: float) -> str:
    for unit in _UNITS[:-1]:
        if size_bytes < _STEP:
            return f"{size_bytes:.1f} {unit}" if unit != "B" else f"{size_bytes:.0f} B"
        size_bytes /= _STEP
    return f"{size_bytes:.1f} {_UNITS[-1]}"
