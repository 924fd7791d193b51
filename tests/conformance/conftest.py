"""A disk, and a file on it whose bytes are known: for everything that sends regions of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.network.regions import DATA

from minikafka.runtime.local_disk import LocalDisk, LocalFile


@pytest.fixture
def disk() -> Iterator[LocalDisk]:
    disk = LocalDisk()
    yield disk
    disk.close()


@pytest.fixture
def file(disk: LocalDisk, tmp_path: Path) -> Iterator[LocalFile]:
    file = disk.open(str(tmp_path / "00000000000000000000.log"))
    file.append([DATA])
    yield file
    file.close()
    assert not file.is_pinned, "every region was released"
