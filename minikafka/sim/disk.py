"""The disk of a simulated machine: its speed, its faults, its crashes, and what they leave.

    disk = SimDisk(seed=7)
    mount = disk.mount()                  # the `Disk` of one process, for as long as it lives
    disk.crash_at(13, power=True)         # ... or disk.crash(power=True) at a moment of your own
    try:
        run(mount)
    except ProcessGone:
        recover(disk.mount())             # the next process finds what was left

It works without a simulated loop as well: synchronous calls are plain, awaited ones use the timers
of whatever loop runs and take no time unless latencies are set.

**Kill** (`power=False`): the page cache survives; of the append it fell into a first part may stay.
**Loss of power**: see `inode` and `names`. `surely(path)` is what every loss of power would leave;
a checker compares promises with it at the moment they are made.
"""

import errno
import math
from collections.abc import Callable
from random import Random
from typing import Final, Literal

from minikafka.sim.errors import ProcessGone
from minikafka.sim.inode import PAGE, DirectoryNode, FileNode, Loss
from minikafka.sim.mount import Mount
from minikafka.sim.names import Names, os_error

Moment = Literal["before", "within", "after"]
"""When a crash falls, seen from an operation; within an append a part of it is written."""

_READS: Final = frozenset(("open", "pread", "scan"))
_DEFAULT_CAPACITY: Final = 1 << 40
_DEFAULT_WALL_MS: Final = 1_700_000_000_000


class Fault:
    """An error that operations meet: `times` of them (None: all), after `after` that pass."""

    __slots__ = ("after", "error", "operation", "path", "times")

    def __init__(
        self, operation: str, path: str, error: int, after: int, times: int | None
    ) -> None:
        self.operation = operation
        self.path = path
        self.error = error
        self.after = after
        self.times = times

    def strikes(self, operation: str, path: str) -> bool:
        """Whether this call meets it; counts down."""
        if operation != self.operation or not path.startswith(self.path) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class SimDisk:
    """What survives processes. `operations` counts what changed something since it was made.

    Speed: `write_s`, `read_s` and `bytes_per_s` block the process (through `stall`), `flush_s` is
    awaited, half of it to one and a half times by seed. `loss` says what a loss of power does.
    `on_crash(power)` is called when a crash point is reached, and has to call `crash`; by default
    that is all that happens. `note` gets every change, for the trace.
    """

    def __init__(
        self, seed: int | str = 0, *, wall_ms: Callable[[], int] = lambda: _DEFAULT_WALL_MS
    ) -> None:
        self.random = Random(f"disk/{seed}")
        self.wall_ms = wall_ms
        self.life = 0
        self.operations = 0
        self.loss: Loss = "mixed"
        self.write_s = self.read_s = self.flush_s = 0.0
        self.bytes_per_s = math.inf
        self.capacity = _DEFAULT_CAPACITY
        self.used = 0
        self.faults: list[Fault] = []
        self.locks: set[int] = set()
        self.stall: Callable[[float], None] = _no_time
        self.note: Callable[..., None] = _no_note
        self.on_crash: Callable[[bool], None] = self.crash
        self._numbers = 0
        self._crash_point: tuple[int, bool, Moment] | None = None
        self.names = Names(self.new_directory())

    def mount(self) -> Mount:
        """The disk as a process sees it until the next crash."""
        return Mount(self)

    # -- what is left -----------------------------------------------------------------------------

    def surely(self, path: str) -> bytes | None:
        """What every loss of power now would leave of a file; None if the file might be gone."""
        node = self.names.surely(path)
        return node.surely() if isinstance(node, FileNode) else None

    def surely_size(self, path: str) -> int:
        """The size of what every loss of power leaves of a file; 0 if it might be gone."""
        node = self.names.surely(path)
        return node.surely_size() if isinstance(node, FileNode) else 0

    def crash(self, power: bool) -> None:
        """End of the process, by a kill or by loss of power. Its mounts and files are dead."""
        self.life += 1
        self._crash_point = None
        self.locks.clear()
        nodes = self.names.walk()
        keep_share = self.random.random()
        for node in nodes:
            if isinstance(node, DirectoryNode):
                continue
            if power:
                node.lose_power(self.loss, keep_share, self.random.random)
            else:
                node.end_flushes()
        if power:
            self.names.lose_power(self.loss, self.random.random)
        self.used = sum(len(n.data) for n in self.names.walk() if isinstance(n, FileNode))
        self.note("crash", power, self.used)

    def crash_at(self, operation: int, *, power: bool, moment: Moment = "before") -> None:
        """Crash at the n-th operation from now on (1 is the next), which raises ProcessGone."""
        assert operation > 0, "operations count from 1"
        self._crash_point = (self.operations + operation, power, moment)

    def cancel_crash(self) -> None:
        """No crash point any more."""
        self._crash_point = None

    @property
    def crash_is_due(self) -> bool:
        """Whether a crash point is set and not reached."""
        return self._crash_point is not None

    # -- faults -----------------------------------------------------------------------------------

    def fail(
        self,
        operation: str,
        path: str = "",
        *,
        error: int = errno.EIO,
        after: int = 0,
        times: int | None = 1,
    ) -> None:
        """Let calls of an operation on paths that begin with `path` fail until `heal`.

        Operations: open create append pread truncate fsync fsync_dir mkdir rmdir rename unlink,
        and scan for stat and listdir.
        """
        self.faults.append(Fault(operation, path, error, after, times))

    def heal(self) -> None:
        """End all faults; what they destroyed stays destroyed."""
        self.faults.clear()

    def flip(self, path: str, position: int, mask: int = 1) -> None:
        """Bit rot: change a byte of a file, in what is read and on the platter."""
        self.names.file(path).flip(position, mask)

    # -- for mounts -------------------------------------------------------------------------------

    def require_life(self, life: int) -> None:
        """Raises ProcessGone for whoever was mounted before the last crash."""
        if life != self.life:
            raise ProcessGone("the disk is used by a dead process")

    def begin(self, life: int, operation: str, path: str) -> None:
        """Before every call's effect: the process must live, a fault may strike, a crash fall."""
        self.require_life(life)
        if operation not in _READS:
            self.operations += 1
            self.note(operation, path)
            self._crash_if("before")
        for fault in self.faults:
            if fault.strikes(operation, path):
                raise os_error(fault.error, path)

    def end(self) -> None:
        """After the effect of a change."""
        if self._crash_point is not None:
            self._crash_if("after")

    def append_in_part(self, node: FileNode, position: int, data: bytes) -> None:
        """Before an append: a crash within it leaves a first part, whole pages of it."""
        if self._crash_point is not None and self._is_due("within"):
            pages = (position + len(data)) // PAGE - position // PAGE
            end = (position // PAGE + int(self.random.random() * (pages + 1))) * PAGE
            node.write(position, data[: max(0, end - position)])
            self._crash_if("within")

    def claim(self, size: int, path: str) -> None:
        """Take space; a disk that has not enough is full."""
        if self.used + size > self.capacity:
            raise os_error(errno.ENOSPC, path)
        self.used += size

    def flush_latency(self) -> float:
        """How long this fsync takes, in seconds."""
        return self.flush_s * (0.5 + self.random.random()) if self.flush_s else 0.0

    def new_file(self) -> FileNode:
        """A file without a name."""
        self._numbers += 1
        return FileNode(self._numbers, self.wall_ms())

    def new_directory(self) -> DirectoryNode:
        """A directory without a name."""
        self._numbers += 1
        return DirectoryNode(self._numbers, self.wall_ms())

    def _is_due(self, moment: Moment) -> bool:
        point = self._crash_point
        if point is None or self.operations < point[0]:
            return False
        # Only an append has an inside; elsewhere the crash falls after.
        return point[2] == moment or (moment == "after" and self.operations >= point[0])

    def _crash_if(self, moment: Moment) -> None:
        if self._is_due(moment):
            assert self._crash_point is not None
            power = self._crash_point[1]
            self._crash_point = None
            self.on_crash(power)
            raise ProcessGone(f"crash {moment} operation {self.operations}")


def _no_time(seconds: float) -> None:
    """A disk outside a simulated loop costs no time."""


def _no_note(*event: object) -> None:
    """A disk outside a simulated loop leaves no trace."""
