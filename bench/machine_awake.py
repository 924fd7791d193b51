"""Processors of a virtual machine that are kept from going to sleep.

A processor with nothing to do is handed back to the hypervisor, and waking it is a trip to the
host: about 30 µs of CPU, charged to whoever sends or waits, many times what the message costs. A
client and a broker that wait for each other would measure little else, the quicker the more.
Something of the lowest priority (SCHED_IDLE) on each processor keeps it awake and gives way to
everything at once. Where processors are real this changes next to nothing.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SPIN = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def machine_awake() -> Iterator[None]:
    """Keep all processors awake during the body; on Linux only."""
    spinning = []
    if hasattr(os, "SCHED_IDLE"):
        command = [sys.executable, "-S", "-c", _SPIN]
        spinning = [
            subprocess.Popen([*command, str(processor)]) for processor in os.sched_getaffinity(0)
        ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
