"""What a process uses, read from /proc."""

from pathlib import Path


def rss_kib(pid: int) -> int:
    """Resident memory in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def descriptor_count(pid: int) -> int:
    """Open files, sockets among them."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def available() -> bool:
    """Whether this system tells."""
    return Path("/proc/self/status").exists()
