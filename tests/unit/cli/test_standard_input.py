"""Input in parts, from pipes and from files."""

import os
from pathlib import Path

import pytest

from minikafka.cli.standard_input import split_input


async def parts_of(fd: int, delimiter: bytes = b"\n") -> list[bytes]:
    return [part async for parts in split_input(fd, delimiter) for part in parts]


@pytest.mark.parametrize(
    ("data", "delimiter", "parts"),
    [
        (b"", b"\n", []),
        (b"a\nb\n", b"\n", [b"a", b"b"]),
        (b"a\n\nb", b"\n", [b"a", b"", b"b"]),
        (b"\n", b"\n", [b""]),
        (b"a--b-c--", b"--", [b"a", b"b-c"]),
    ],
)
async def test_a_file(tmp_path: Path, data: bytes, delimiter: bytes, parts: list[bytes]) -> None:
    path = tmp_path / "input"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert await parts_of(file.fileno(), delimiter) == parts


async def test_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "input"
    lines = [b"%d" % number for number in range(200_000)]
    path.write_bytes(b"\n".join(lines))
    with path.open("rb") as file:
        assert await parts_of(file.fileno()) == lines


async def test_a_pipe() -> None:
    reader, writer = os.pipe()
    found = []
    os.write(writer, b"one\ntw")
    async for parts in split_input(reader, b"\n"):
        found += parts
        if found == [b"one"]:
            os.write(writer, b"o\nthree")
            os.close(writer)
    os.close(reader)
    assert found == [b"one", b"two", b"three"]
