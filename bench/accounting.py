"""What a process has cost so far, from /proc: CPU time of all its threads, resident memory."""

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Cpu(NamedTuple):
    """CPU seconds since the process was started, live and ended threads together."""

    user_s: float
    system_s: float

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def since(self, earlier: "Cpu") -> "Cpu":
        return Cpu(self.user_s - earlier.user_s, self.system_s - earlier.system_s)


def cpu(pid: int) -> Cpu:
    """User and system time of a process; the kernel counts in ticks of 10 ms."""
    # The command name is in parentheses and may hold anything, so fields count from the last one.
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return Cpu(int(fields[11]) / _TICKS_PER_S, int(fields[12]) / _TICKS_PER_S)


def page_faults(pid: int) -> int:
    """Pages mapped on first touch: memory taken from the system again and again shows here."""
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[7])


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE_BYTES


def machine_busy_s() -> float:
    """CPU seconds that anything on this machine has used, to tell how quiet a round was."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, first[:8])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S
