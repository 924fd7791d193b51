"""Transcripts: lines with `> ` are what happens, those below them what must follow.

Empty lines and comments (`#`) stay where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Stage(Protocol):
    """What a room's transcripts are played on."""

    def play(self, command: str) -> list[str]:
        """The lines that follow a command."""
        ...


def played(stage: Stage, text: str) -> str:
    """The transcript `text` as it turns out now."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("> "):
            lines += [line, *stage.play(line[2:])]
        elif not line or line.startswith("#"):
            lines.append(line)
    return "\n".join(lines) + "\n"


def assert_is_what_happens(stage: Stage, path: Path) -> None:
    """The transcript in this file says what happens, to the letter."""
    expected = path.read_text()
    assert played(stage, expected) == expected
