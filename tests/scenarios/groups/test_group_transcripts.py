"""Plays the transcripts beside it; `group_stage` says how they are written."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))

_spec = spec_from_file_location("group_stage", HERE / "group_stage.py")
assert _spec is not None
assert _spec.loader is not None
group_stage = module_from_spec(_spec)
_spec.loader.exec_module(group_stage)


def play(text: str) -> str:
    stage = group_stage.Stage()
    lines = []
    for line in text.splitlines():
        if line.startswith("> "):
            lines += [line, *stage.play(line[2:])]
        elif line.startswith("#") or not line:
            lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_transcript_is_what_happens(path: Path) -> None:
    expected = path.read_text()
    assert play(expected) == expected


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 6
