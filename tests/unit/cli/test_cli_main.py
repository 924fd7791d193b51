"""Finding a command, and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from minikafka.cli.main import main

TOOLS = ("produce", "consume", "topics", "groups", "configs", "cluster", "storage", "dump-log")
PROJECT = Path(__file__).parents[3]
WITHOUT_SDK = """
import sys
from minikafka.cli.main import main
code = main({words!r})
heavy = {{"minikafka_client", "minikafka.broker", "minikafka.protocol", "asyncio"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
sys.exit(code)
"""


def test_help_names_every_tool(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capfd.readouterr().out
    assert all(f"  {tool} " in shown for tool in TOOLS)


def test_the_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capfd.readouterr().out.startswith("minikafka ")


def test_an_unknown_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["prodcue"]) == 2
    assert "prodcue" in capfd.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["version"], *([tool, "--help"] for tool in TOOLS)])
def test_help_loads_nothing_that_costs_time(words: list[str]) -> None:
    script = WITHOUT_SDK.format(words=words)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, cwd=PROJECT
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["topics"],
        ["topics", "drop"],
        ["produce"],
        ["produce", "t", "-X", "nonsense=1"],
        ["produce", "t", "-b", "nowhere"],
        ["produce", "t", "-D", ""],
        ["produce", "t", "-f", "%s"],
        ["produce", "t", "-X", "acks=1", "-X", "enable.idempotence=true"],
        ["consume"],
        ["consume", "t", "-o", "someday"],
        ["consume", "t", "-o", "stored"],
        ["consume", "t", "-G", "g", "-p", "0"],
        ["consume", "t", "-G", "g", "-o", "5"],
        ["consume", "t", "-f", "%y"],
        ["consume", "t", "--json", "-f", "%s"],
        ["groups", "reset-offsets", "g"],
        ["groups", "reset-offsets", "g", "--to-latest", "--to-earliest"],
        ["configs", "describe", "planet", "earth"],
        ["storage", "format"],
        ["dump-log"],
        ["dump-log", "--offsets-decoder", "--cluster-metadata-decoder", "x.log"],
    ],
)
def test_what_makes_no_command_ends_with_2(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed, complaint = capfd.readouterr()
    assert printed == ""
    assert f"minikafka {words[0]}" in complaint


def test_a_file_that_is_not_there(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "00000000000000000000.log"
    assert main(["dump-log", str(path)]) == 1
    assert capfd.readouterr().err == f"minikafka dump-log: {path}: No such file or directory\n"
