"""One log directory on a simulated disk, what was promised of it, and what a crash has left."""

import errno
import uuid
from collections.abc import Sequence

from unit.log.making import NOW_MS, batch, marker, settings

from crashes.scenarios import Step
from minikafka.log.checkpoints import MetaProperties
from minikafka.log.directory import LogDirectory
from minikafka.log.partition_log import PartitionLog
from minikafka.records.batch import BatchHeader, has_valid_crc, read_header, walk
from minikafka.sim.disk import Moment, SimDisk
from minikafka.sim.errors import ProcessGone
from minikafka.sim.mount import Mount

ROOT = "/d"
PATH = f"{ROOT}/t-0"
TOPIC_ID = uuid.UUID(int=5 << 80)
FOR_EVER_MS = 10**15


class Broken(AssertionError):
    """The log has broken a promise; the text says which."""


def require(holds: bool, promise: str) -> None:
    """Plain assert, but never optimised away."""
    if not holds:
        raise Broken(promise)


class Stored:
    """One batch of the model."""

    __slots__ = ("data", "header")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.header: BatchHeader = read_header(data)


class World:
    """`versions` are the logs that a loss of power may bring back: the last one is what is.

    Cuts add a version, a flush leaves one. Below `promised` no record may ever be missing: that is
    what a flush or a clean stop has covered. With `every_append` each append is flushed before it
    counts as done (`flush.messages=1`), else the page cache has to do.
    """

    def __init__(self, seed: int, *, every_append: bool) -> None:
        self.disk = SimDisk(seed)
        self.every_append = every_append
        self.versions: list[list[Stored]] = [[]]
        self.promised = 0
        self.start = 0
        self.epoch = 0
        self.checks = 0
        self.settings = settings(
            segment_bytes=2500,
            index_interval_bytes=300,
            file_delete_delay_ms=0,
            retention_bytes=6000,
            flush_messages=1 if every_append else 2**63 - 1,
        )
        mount = self.disk.mount()
        LogDirectory.write_meta(mount, ROOT, MetaProperties(1, "c", uuid.UUID(int=7 << 80)))
        mount.fsync_dir_now("/")
        self.open(mount)

    # -- life -------------------------------------------------------------------------------------

    def open(self, mount: Mount) -> None:
        """Start a process on the disk."""
        self.directory = LogDirectory.open(mount, ROOT, node_id=1)
        found = {one.topic: one for one in self.directory.scan(NOW_MS)}
        common = {
            "settings": self.settings,
            "wall_ms": NOW_MS,
            "producer_expiration_ms": FOR_EVER_MS,
        }
        if "t" in found and found["t"].topic_id == TOPIC_ID:
            self.log = self.directory.open_log("t", 0, **common)  # type: ignore[arg-type]
        else:
            require(self.promised == 0, "a log that was flushed has lost its name or its id")
            if "t" in found:
                self.directory.set_aside("t", 0, uuid.uuid4())
            self.log = self.directory.create_log("t", 0, TOPIC_ID, **common)  # type: ignore[arg-type]
        self.mount = mount

    async def run(self, steps: Sequence[Step]) -> None:
        """Do all steps; ProcessGone when a crash has been set and is reached."""
        for name, first, second in steps:
            await getattr(self, f"_{name}")(first, second)

    def fresh(self) -> Mount:
        """The disk for the next process."""
        return self.disk.mount()

    # -- steps ------------------------------------------------------------------------------------

    @property
    def batches(self) -> list[Stored]:
        """What the log must hold now."""
        return self.versions[-1]

    async def _append(self, first: int, second: int) -> None:
        await self._write(batch(1 + first % 4, size=first % 500, timestamp=NOW_MS + second))

    async def _transaction(self, first: int, second: int) -> None:
        producer = first % 3
        entry = self.log.producers.entries.get(producer)
        sequence = 0 if entry is None else entry.last_sequence + 1
        made = batch(
            1 + second % 3, size=second % 200, producer=(producer, 0, sequence), transactional=True
        )
        require(self.log.producers.check(read_header(made)) is None, "the next batch in sequence")
        await self._write(made)

    async def _marker(self, first: int, second: int) -> None:
        await self._write(marker(first % 3, 0, committed=second % 2 == 0))

    async def _write(self, made: memoryview) -> None:
        end = self.log.log_end_offset
        stored = bytearray(made)
        stored[0:8] = end.to_bytes(8, "big")
        stored[12:16] = self.epoch.to_bytes(4, "big")
        self.batches.append(Stored(bytes(stored)))  # it may be there before `append` returns
        require(self.log.append(made, read_header(made), self.epoch, NOW_MS) == end, "the next")
        if self.every_append:
            await self._flush(0, 0)

    async def _full(self, first: int, second: int) -> None:
        """The disk has no room for an append, which leaves everything as it was."""
        active = f"{PATH}/{self.log.segment_base_offsets[-1]:020d}.log"
        before = self.log.log_end_offset
        self.disk.fail("append", active, error=errno.ENOSPC)
        try:
            await self._append(first, second)
        except OSError:
            self.batches.pop()
            require(self.log.log_end_offset == before, "a refused append moved the log end")
        self.disk.heal()
        segment = self.log._segments.active
        last_entry = max(segment.index.positions, default=-1)
        require(last_entry < max(segment.size, 1), "an index entry of what is not there")
        self._read_back()

    def _read_back(self) -> None:
        """Each batch is found by its offset."""
        log = self.log
        for one in self.batches:
            offset = one.header.base_offset
            if offset >= log.log_start_offset:
                read = log.read(offset, 0, max_offset=log.log_end_offset, min_one_batch=True)
                require(read.region is not None, "a batch is not found")
                assert read.region is not None
                data = read.region.read(0, read.size)
                read.region.release()
                require(data == one.data, "another batch is found")

    async def _flush(self, first: int, second: int) -> None:
        wanted = self.log.log_end_offset
        require(await self.log.flush() >= wanted, "a flush covers what was there")
        self._promise()

    async def _roll(self, first: int, second: int) -> None:
        self.log.roll(NOW_MS)

    async def _lead(self, first: int, second: int) -> None:
        self.epoch += 1
        self.log.assign_leader_epoch(self.epoch)

    async def _truncate(self, first: int, second: int) -> None:
        log = self.log
        offset = log.log_end_offset - first % 12
        offset = max(offset, log.log_start_offset)
        before = log.log_end_offset
        self.versions.append([one for one in self.batches if one.header.next_offset <= offset])
        end = self.batches[-1].header.next_offset if self.batches else 0
        self.promised = min(self.promised, end)
        await self.directory.truncate_log("t", 0, offset)
        self.start = min(self.start, log.log_start_offset)
        starts = [start for _, start in log.leader_epochs.entries()]
        if log.log_end_offset < before:
            require(max(starts, default=-1) < log.log_end_offset, "an epoch of what was cut")
        self._read_back()
        await self._lead(0, 0)

    async def _restart_at(self, first: int, second: int) -> None:
        offset = max(0, self.log.log_end_offset - 20 + first % 40)
        self.versions.append([])
        self.promised = 0
        self.start = min(self.start, offset)
        await self.directory.truncate_log_fully("t", 0, offset)
        await self._lead(0, 0)
        self.start = offset
        await self._flush(0, 0)

    async def _delete_records(self, first: int, second: int) -> None:
        log = self.log
        offset = log.log_start_offset + first % 5
        if offset <= log.log_end_offset:
            self.start = offset
            log.advance_log_start(offset)

    async def _retain(self, first: int, second: int) -> None:
        log = self.log
        # What goes was allowed to go, whether its files are gone by then or not.
        self.start = max(self.start, log.segment_base_offsets[-1])
        log.delete_old_segments(NOW_MS, log.log_end_offset)
        self.start = log.log_start_offset
        await self.directory.purge(NOW_MS)

    async def _checkpoint(self, first: int, second: int) -> None:
        await self.directory.write_recovery_points()

    async def _stop(self, first: int, second: int) -> None:
        await self.directory.close(clean=True)
        self._promise()
        self.open(self.mount)
        require(self.directory.was_clean, "a clean stop leaves the marker")
        self.check(clean=True)

    # -- promises ---------------------------------------------------------------------------------

    def _promise(self) -> None:
        """All there is was promised now: it must be what every loss of power leaves."""
        self.checks += 1
        self.versions = [self.batches]
        self.promised = self.log.log_end_offset
        start = max(self.log.log_start_offset, self.log.segment_base_offsets[0])
        wanted = b"".join(one.data for one in self.batches if one.header.next_offset > start)
        surely = b"".join(
            self.disk.surely(f"{PATH}/{base:020d}.log") or b""
            for base in self.log.segment_base_offsets
        )
        require(surely.endswith(wanted), "a loss of power now would take what was flushed")

    def check(self, *, clean: bool = False) -> None:
        """After an opening: the log is one of the versions, and nothing promised is missing."""
        log = self.log
        found = stored(log)
        for one in found:
            require(has_valid_crc(memoryview(one)), "a damaged batch is served")
        start, end = log.log_start_offset, log.log_end_offset
        require(start <= max(self.start, end), "the log start offset moved beyond what was asked")
        legal = [version for version in self.versions if is_run(found, version, start, end)]
        require(bool(legal), f"the log from {start} to {end} is none that ever was")
        must = [
            one
            for one in self.batches
            if one.header.base_offset >= max(self.start, start)
            and one.header.next_offset <= self.promised
        ]
        require({one.data for one in must} <= set(found), "promised records are gone")
        require(end >= self.promised or self.promised == 0, "the promised end is gone")
        if clean:
            require(legal[-1] is self.batches, "a clean stop keeps everything")
        check_derived(log, found)
        # What has been found is the truth from here on.
        self.versions = [[Stored(one) for one in found]]
        self.start = start
        self.promised = min(self.promised, end)
        self.epoch = max([self.epoch, log.leader_epochs.latest])


def stored(log: PartitionLog) -> list[bytes]:
    """All batches that a reader gets."""
    found: list[bytes] = []
    offset = log.log_start_offset
    while True:
        read = log.read(offset, 1 << 20, max_offset=log.log_end_offset, min_one_batch=True)
        if read.region is None:
            return found
        data = read.region.read(0, read.size)
        read.region.release()
        for position, header in walk(data):
            found.append(data[position : position + header.size_bytes])
            offset = header.next_offset


def is_run(found: list[bytes], version: list[Stored], start: int, end: int) -> bool:
    """Whether `found` are the batches of `version` from the one that holds `start` up to `end`."""
    wanted = [
        one.data
        for one in version
        if one.header.next_offset > start and one.header.next_offset <= end
    ]
    return found == wanted


def check_derived(log: PartitionLog, found: list[bytes]) -> None:
    """Indexes, epochs, times and producers say what the batches say."""
    last: dict[int, tuple[int, int]] = {}
    for one in found:
        header = read_header(one)
        if header.base_offset >= log.log_start_offset:
            epoch = log.epoch_at(header.base_offset)
            require(epoch == header.partition_leader_epoch, "the epoch of a batch")
        if header.producer_id >= 0 and not header.is_control:
            last[header.producer_id] = (header.last_sequence, header.last_offset)
    for producer_id, (sequence, offset) in last.items():
        entry = log.producers.entries.get(producer_id)
        require(entry is not None, "a producer is forgotten")
        assert entry is not None
        require((entry.last_sequence, entry.last_offset) == (sequence, offset), "its last batch")
    known = {read_header(one).producer_id for one in found}
    if log.log_start_offset == 0 and found and read_header(found[0]).base_offset == 0:
        extra = {key for key, entry in log.producers.entries.items() if entry.last_offset >= 0}
        require(extra <= known, "a producer of batches that are not there")
        require(
            sorted(log.aborted_transactions(0, 2**62)) == aborted(found), "aborted transactions"
        )
    stamps = [read_header(one).max_timestamp for one in found]
    if stamps:
        require(log.largest_timestamp >= max(stamps), "the largest timestamp")


def aborted(found: list[bytes]) -> list[tuple[int, int, int, int]]:
    """The aborted transactions by a plain reading of all batches."""
    begun: dict[int, int] = {}
    ended = []
    for one in found:
        header = read_header(one)
        if header.producer_id < 0:
            continue
        if not header.is_control:
            begun.setdefault(header.producer_id, header.base_offset)
        elif header.producer_id in begun:
            first = begun.pop(header.producer_id)
            if _is_abort(one):
                stable = min(begun.values(), default=header.next_offset)
                ended.append((header.producer_id, first, header.last_offset, stable))
    return sorted(ended)


def _is_abort(one: bytes) -> bool:
    # Its one record: length, attributes, two deltas, key length; then the key: version, type.
    return one[61 + 7 : 61 + 9] == b"\0\0"


async def crash_and_recover(
    seed: int,
    steps: Sequence[Step],
    operation: int,
    *,
    power: bool,
    moment: Moment,
    every_append: bool,
) -> int | None:
    """One case: the steps up to a crash, the next process, and again a clean stop.

    Returns how often promises were checked, None if the scenario has fewer operations. The next
    process crashes, too, in its first operations, when the seed says so.
    """
    world = World(seed, every_append=every_append)
    world.disk.crash_at(operation, power=power, moment=moment)
    try:
        await world.run(steps)
        return None
    except ProcessGone:
        world.disk.heal()
    if (seed + operation) % 3:
        if not power:
            keep_all_written(world)
    else:
        world.disk.crash_at(1 + operation % 7, power=True, moment="after")
        try:
            world.open(world.fresh())
        except ProcessGone:
            pass
        else:
            world.disk.crash(power=True)
    world.open(world.fresh())
    world.check()
    await world.run([("lead", 0, 0), ("append", 40, 1), ("flush", 0, 0), ("stop", 0, 0)])
    return world.checks


def keep_all_written(world: World) -> None:
    """A kill takes nothing that was written: the page cache survives."""
    if len(world.versions) == 1 and world.batches:
        world.promised = max(world.promised, world.batches[-1].header.base_offset)
