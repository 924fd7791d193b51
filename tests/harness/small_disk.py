"""A file system of a few megabytes that a test may fill: a tmpfs, which root may mount."""

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE_BYTES = 4096
SETTLING_S = 0.5


class SmallDisk:
    """A mounted file system with a filler file that takes the room away and gives it back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    @property
    def free_bytes(self) -> int:
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, leave_bytes: int = 0) -> None:
        """Take all but about `leave_bytes`, also what files that are being replaced give back."""
        settled = time.monotonic() + SETTLING_S
        with self._filler.open("ab") as filler:
            while time.monotonic() < settled:
                rest = self.free_bytes - leave_bytes
                if rest < PAGE_BYTES:
                    time.sleep(0.02)
                    continue
                try:
                    os.posix_fallocate(filler.fileno(), os.fstat(filler.fileno()).st_size, rest)
                except OSError as error:
                    if error.errno != errno.ENOSPC:  # somebody was faster: look again
                        raise
                settled = time.monotonic() + SETTLING_S

    def empty(self) -> None:
        """Give back what `fill` took."""
        self._filler.unlink()


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount one at `path`; skips the test where that is not allowed."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(path)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount(8) here")
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
