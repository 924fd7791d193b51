"""What a dump finds wrong, kept until the end as Kafka's tool does, grouped by file."""

from __future__ import annotations


class Findings:
    """Lines for stderr. `damaged` is whether any of them is damage: gaps in offsets are none."""

    def __init__(self) -> None:
        self.damaged = False
        self._gaps: dict[str, list[str]] = {}
        self._mismatches: dict[str, list[str]] = {}

    def gap(self, path: str, last_offset: int, offset: int) -> None:
        """Compacted away, or a file's first record: worth a line, not wrong."""
        title = f"Non-consecutive offsets in {path}"
        self._gaps.setdefault(title, []).append(f"{last_offset} is followed by {offset}")

    def index_mismatch(self, path: str, index_offset: int, log_offset: int) -> None:
        """The batch at an index entry's position does not end with its offset."""
        line = f"Index offset: {index_offset}, log offset: {log_offset}"
        self._add(f"Mismatches in :{path}", line)

    def time_mismatch(self, path: str, index_ms: int, log_ms: int) -> None:
        """The batch that a time index entry names has another largest timestamp."""
        line = f"Index timestamp: {index_ms}, log timestamp: {log_ms}"
        self._add(f"Found timestamp mismatch in :{path}", line)

    def time_disorder(self, path: str, index_ms: int, before_ms: int) -> None:
        """The timestamps of a time index do not grow."""
        line = f"Index timestamp: {index_ms}, Previously indexed timestamp: {before_ms}"
        self._add(f"Found out of order timestamp in :{path}", line)

    def offset_not_found(self, path: str, index_offset: int, log_offset: int) -> None:
        """No batch ends with the offset of a time index entry."""
        title = "The following indexed offsets are not found in the log."
        self._add(title, f"Indexed offset: {index_offset}, found log offset: {log_offset}")

    def damage(self, path: str, where: str, reason: str) -> None:
        """Anything else that is broken."""
        self._add(f"{path}: damaged", f"{where}: {reason}")

    def lines(self) -> list[str]:
        """All that was found, each title followed by its cases."""
        out = []
        for titles in (self._mismatches, self._gaps):
            for title, cases in titles.items():
                out += [title, *(f"  {case}" for case in cases)]
        return out

    def _add(self, title: str, case: str) -> None:
        self.damaged = True
        self._mismatches.setdefault(title, []).append(case)
