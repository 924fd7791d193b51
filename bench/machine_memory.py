"""Memory of a virtual machine is not there until it is touched, and then the guest pays for it.

Hypervisors take back what a guest has freed. The first write to such a page costs a trip to the
host: on one machine 1.9 CPU-seconds per GB of new page cache instead of 0.2, charged to whichever
broker happens to write. Where memory is real this costs a moment and changes nothing.
"""

import mmap

_CHUNK = b"\1" * (4 << 20)


def touch(size_bytes: int) -> None:
    """Have `size_bytes` of memory backed by the host, and free them for the next to use."""
    with mmap.mmap(-1, max(size_bytes, mmap.PAGESIZE)) as memory:
        for position in range(0, size_bytes - len(_CHUNK) + 1, len(_CHUNK)):
            memory[position : position + len(_CHUNK)] = _CHUNK
