"""Plays the transcripts beside it; `group_stage` says how they are written."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from harness.transcripts import assert_is_what_happens

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))

_spec = spec_from_file_location("group_stage", HERE / "group_stage.py")
assert _spec is not None
assert _spec.loader is not None
group_stage = module_from_spec(_spec)
_spec.loader.exec_module(group_stage)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_transcript_is_what_happens(path: Path) -> None:
    assert_is_what_happens(group_stage.Stage(), path)


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 6
