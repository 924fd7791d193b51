"""The command itself, as a child process: exit codes, texts, signals."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PATIENCE_S = 30


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KAFKA_")}
    return kept | more


def run(*words: str, python: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *python, "-m", "minikafka.broker", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=PROJECT,
        env=environment(**more),
        check=False,
    )


@contextmanager
def broker(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A broker on a free port: the process and the port, once it said where it listens."""
    with subprocess.Popen(
        [sys.executable, "-m", "minikafka.broker", "--dev", "--port", "0", "--banner", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=environment(),
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            found = re.search(r"listens on 127\.0\.0\.1:(\d+)", first)
            assert found, f"{first!r} {process.communicate()[1]}"
            yield process, int(found[1])
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, errors


def test_version_and_help() -> None:
    assert re.fullmatch(r"minikafka \d+\.\d+\.\d+\S*\n", run("--version").stdout)
    assert "--override KEY=VALUE" in run("--help").stdout


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["--nope"], ["unknown option --nope", "--help"]),
        (["--override", "num.partitions=0"], ["num.partitions", "0", "at least 1"]),
        (["--override", "log.retention.ms=soon"], ["log.retention.ms", "soon", "LONG"]),
        (["--override", "listeners"], ["key=value"]),
        (["/nowhere/server.properties"], ["/nowhere/server.properties"]),
    ],
)
def test_what_is_wrong_ends_with_2_and_one_line(words: list[str], texts: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    for text in texts:
        assert text in done.stderr


def test_a_wrong_environment_variable_is_named_by_its_key() -> None:
    done = run("--dev", KAFKA_NUM_PARTITIONS="many")
    assert done.returncode == 2
    assert "num.partitions" in done.stderr


def test_python_without_assertions_is_refused() -> None:
    done = run("--dev", python=("-O",))
    assert done.returncode == 2
    assert "python -O" in done.stderr


@pytest.mark.parametrize("loop", ["true", "false"])
def test_it_starts_answers_and_stops(loop: str) -> None:
    words = ("--override", f"minikafka.uvloop.enable={loop}", "--override", "no.such.key=1")
    with broker(*words) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
            client.sendall(bytes.fromhex("0000000a 0012 0000 0000002a ffff".replace(" ", "")))
            assert client.recv(8)[4:] == b"\x00\x00\x00\x2a"
        process.send_signal(signal.SIGTERM)
        code, errors = ended(process)
    assert code == 0
    assert errors.count("no.such.key: ignored") == 1
    directory = re.search(r"formatted (\S+)", errors)
    assert directory
    assert not Path(directory[1]).exists()


def test_who_asks_for_an_authorizer_is_told_that_there_is_none() -> None:
    name = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    with broker("--override", f"authorizer.class.name={name}") as (process, _):
        process.send_signal(signal.SIGTERM)
        code, errors = ended(process)
    (warning,) = [line for line in errors.splitlines() if "authorizer" in line]
    assert "WARN" in warning
    assert f"{name}: this version has no authorizer. NOBODY IS KEPT OUT" in warning
    assert code == 0


def test_sigint_stops_too() -> None:
    with broker() as (process, _):
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 0


def test_a_port_in_use_ends_with_1_and_a_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--dev", "--port", str(port), "--override", f"log.dirs={tmp_path}")
    assert done.returncode == 1
    assert str(port) in done.stderr.splitlines()[-2] + done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_directory_of_another_cluster_ends_with_1(tmp_path: Path) -> None:
    here = ("--override", f"log.dirs={tmp_path}")
    with broker(*here, "--cluster-id", "AAAAAAAAQACAAAAAAAAAAQ") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    done = run("--dev", "--port", "0", *here, "--cluster-id", "BBBBBBBBQACAAAAAAAAAAQ")
    assert done.returncode == 1
    assert "AAAAAAAAQACAAAAAAAAAAQ" in done.stderr
    assert "Traceback" not in done.stderr


def test_kafkas_file_and_an_override(tmp_path: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text(
        "# a file for Kafka\nprocess.roles=broker,controller\nnode.id=7\n"
        "controller.quorum.voters=7@localhost:9093\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n"
        f"controller.listener.names=CONTROLLER\nlog.dirs={tmp_path}/data\n"
    )
    free_ports = "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0"
    command = [sys.executable, "-m", "minikafka.broker", str(file), "--banner"]
    process = subprocess.Popen(
        [*command, "--override", free_ports],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=environment(),
    )
    with process:
        assert process.stdout is not None
        assert "listens on 127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0
    assert "node.id=7" in (tmp_path / "data" / "meta.properties").read_text()


def test_a_second_signal_ends_the_process_at_once() -> None:
    program = (
        "import asyncio\n"
        "from minikafka.broker import process\n"
        "process._ONE_WISH_S = 0\n"
        "async def wait():\n"
        "    first = process._until_signal()\n"
        "    print('ready', flush=True)\n"
        "    print(await first, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(wait())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        assert child.stdout.readline() == f"{int(signal.SIGTERM)}\n"
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE_S) == 128 + signal.SIGINT
