"""What admin tools print: a table for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

Rows = Iterable[Sequence[object]]


def print_json(document: Any) -> None:
    """One document, indented."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def print_table(titles: Sequence[str], rows: Rows) -> None:
    """Columns as wide as they need to be, numbers to the right. Nothing at all without rows."""
    cells = [[_text(cell) for cell in row] for row in rows]
    if not cells:
        return
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    numeric = [all(_is_number(cell) for cell in column) for column in zip(*cells, strict=True)]
    for line in (titles, *cells):
        shown = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numeric, strict=True)
        ]
        sys.stdout.write("  ".join(shown).rstrip() + "\n")


def joined(numbers: Iterable[int]) -> str:
    """`1,2,3`."""
    return ",".join(map(str, numbers))


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return str(cell)


def _is_number(cell: str) -> bool:
    return cell == "-" or cell.removeprefix("-").isdecimal()
