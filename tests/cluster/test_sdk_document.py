"""The examples in docs/client.md run."""

import re
from pathlib import Path

import pytest
from harness.broker import PROJECT, RunningBroker

DOCUMENT = PROJECT / "docs" / "client.md"


def examples(document: Path) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL))


async def test_every_example_runs(
    own_broker: RunningBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_broker.connect() as wire:
        wire.create_topic("orders", 1)
    names: dict[str, object] = {}
    exec(compile(examples(DOCUMENT), str(DOCUMENT), "exec"), names)
    for name in ("produce", "consume", "consume_in_a_group", "administer"):
        example = names[name]
        assert callable(example)
        await example(own_broker.bootstrap)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 0"
    assert lines[1] == "0 0 b'customer-1' b'first'"
    assert "604800000 DEFAULT_CONFIG" in lines
