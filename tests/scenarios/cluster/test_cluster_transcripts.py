"""Plays the transcripts beside it; `cluster_stage` says how they are written.

`python tests/scenarios/cluster/test_cluster_transcripts.py NAME…` writes what happens today.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from harness.transcripts import played

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))

_spec = spec_from_file_location("cluster_stage", HERE / "cluster_stage.py")
assert _spec is not None
assert _spec.loader is not None
cluster_stage = module_from_spec(_spec)
_spec.loader.exec_module(cluster_stage)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Brokers that are killed have much to say."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def play(text: str) -> str:
    stage = cluster_stage.Stage()
    try:
        return played(stage, text)
    finally:
        stage.close()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_transcript_is_what_happens(path: Path) -> None:
    expected = path.read_text()
    assert play(expected) == expected


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    for name in sys.argv[1:]:
        path = HERE / f"{name}.txt"
        path.write_text(play(path.read_text()))
