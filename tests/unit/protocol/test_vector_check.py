"""The command that checks vectors, and that it finds what is wrong."""

import copy
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from minikafka.protocol.__main__ import main
from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.vectors import check, first_difference

VECTOR: dict[str, Any] = {
    "name": "ApiVersionsRequest",
    "type": "request",
    "apiKey": 18,
    "version": 3,
    "flexible": True,
    "headerVersion": 2,
    "json": {"clientSoftwareName": "a", "clientSoftwareVersion": "b"},
    "hex": "0261026200",
    "frame": {
        "correlationId": 5,
        "clientId": "c",
        "hex": "00000011001200030000000500016300" + "0261026200",
    },
}


def broken(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(VECTOR) | changes


def test_a_right_vector_passes() -> None:
    assert check(VECTOR, message_classes()) is None


@pytest.mark.parametrize(
    ("vector", "difference"),
    [
        (broken(name="Unheard"), "no such schema"),
        (broken(apiKey=17), "api key"),
        (broken(flexible=False), "flexible"),
        (broken(hex="0261026201"), "MalformedMessage"),
        (broken(hex="026102620000"), "end of the message"),
        (broken(hex="0262026200"), r"json\.clientSoftwareName"),
        (broken(json={"clientSoftwareName": "a"}), r"json\.clientSoftwareVersion: unexpected"),
        (broken(json=VECTOR["json"] | {"more": 1}), r"json\.more: missing"),
        (broken(frame=VECTOR["frame"] | {"correlationId": 6}), "correlation id"),
        (broken(frame=VECTOR["frame"] | {"clientId": None}), "client id"),
        (broken(unknownTags=[{"tag": 1, "hex": ""}]), "unknown tags"),
    ],
)
def test_a_wrong_vector_fails(vector: dict[str, Any], difference: str) -> None:
    found = check(vector, message_classes())
    assert found is not None
    assert re.search(difference, found), found


def test_differences_are_stricter_than_equality() -> None:
    assert first_difference({"a": [1, True]}, {"a": [1, 1]}, "json") is not None
    assert first_difference({"a": [1, True]}, {"a": [1, True]}, "json") is None
    assert first_difference([1], [1, 2], "json") == "json: expected 1 elements, got 2"
    assert first_difference("NaN", float("nan"), "json") is None
    assert first_difference(1, 1.0, "json") is None
    assert first_difference(1.5, 2.5, "json") is not None


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_the_command_counts(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"vectors{suffix}"
    text = json.dumps(VECTOR) + "\n" + json.dumps(broken(hex="00")) + "\n"
    file.write_bytes(gzip.compress(text.encode()) if suffix.endswith("gz") else text.encode())
    assert main(["check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 passed, 1 failed"
    assert ":2: ApiVersionsRequest v3: MalformedMessage" in lines[0]
    file.write_bytes(gzip.compress(b"") if suffix.endswith("gz") else b"")
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out == "0 passed, 0 failed\n"


def test_other_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "FetchRequest", "12"]) == 0
    assert "def decode(b, p=0):" in capsys.readouterr().out
    assert main(["table"]) == 0
    assert "| 1 | Fetch | 4–18 | 12+ | 4–18 | 4–18 |" in capsys.readouterr().out
    assert main(["nonsense"]) == 2
