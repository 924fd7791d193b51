"""Log directories in memory: their files, and what they answer while nothing is damaged."""

from random import Random
from typing import Any

from crashes.world import NOW_MS, ROOT, World
from unit.log.making import settings

from minikafka.log.directory import LogDirectory
from minikafka.log.partition_log import PartitionLog
from minikafka.sim.disk import SimDisk

SETTINGS = {"segment_bytes": 1500, "index_interval_bytes": 200}


class Template:
    """The files of a directory by path; `batches` by base offset; what was asked, and answered."""

    __slots__ = ("answers", "batches", "clean", "files", "names")

    def __init__(self, files: dict[str, bytes], batches: dict[int, bytes], clean: bool) -> None:
        self.files = files
        self.batches = batches
        self.clean = clean
        self.names = sorted(path for path, data in files.items() if data and is_target(path))
        _, log = opened(files)
        self.answers = answers(log)


def is_target(path: str) -> bool:
    """Whether bits of this file flip: not those that say whose directory this is."""
    return not path.endswith(("meta.properties", "partition.metadata", ".lock"))


def kind(path: str) -> str:
    """log, index, timeindex, txnindex, snapshot or the name of a checkpoint."""
    name = path.rpartition("/")[2]
    return name[21:] if name[:20].isdigit() else name


async def template(seed: int, *, clean: bool) -> Template:
    """A log of some segments, epochs and transactions, stopped cleanly or killed."""
    world = World(seed, every_append=False)
    world.settings = settings(**SETTINGS)
    world.log.settings = world.settings
    random = Random(f"template/{seed}")
    steps = []
    for number in range(34):
        kinds = ("append", "append", "transaction", "transaction", "marker", "lead")
        name = kinds[int(random.random() * len(kinds))]
        steps.append((name, int(random.random() * 200), int(random.random() * 1000)))
        if number == 20:
            steps += [("flush", 0, 0), ("checkpoint", 0, 0)]
    await world.run([*steps, ("delete_records", 2, 0), ("checkpoint", 0, 0)])
    await world.directory.close(clean=clean)
    mount = world.mount
    files = {}
    for folder in (ROOT, f"{ROOT}/t-0"):
        for status in mount.scan(folder):
            if not status.is_directory:
                files[f"{folder}/{status.name}"] = mount.read_bytes(f"{folder}/{status.name}")
    return Template(files, {one.header.base_offset: one.data for one in world.batches}, clean)


def opened(files: dict[str, bytes]) -> tuple[LogDirectory, PartitionLog]:
    """Open a directory of these files, on a disk of its own."""
    mount = SimDisk().mount()
    mount.mkdir(f"{ROOT}/t-0", parents=True)
    for path, data in files.items():
        mount.open(path).append((data,))
    directory = LogDirectory.open(mount, ROOT, node_id=1)
    directory.scan(NOW_MS)
    log = directory.open_log(
        "t", 0, settings=settings(**SETTINGS), wall_ms=NOW_MS, producer_expiration_ms=10**15
    )
    return directory, log


def answers(log: PartitionLog) -> dict[str, Any]:
    """What a log tells beside its batches."""
    end = log.log_end_offset
    producers = {
        key: (entry.epoch, entry.last_sequence, entry.last_offset, entry.transaction_first_offset)
        for key, entry in log.producers.entries.items()
    }
    return {
        "start": log.log_start_offset,
        "end": end,
        "aborted": sorted(log.aborted_transactions(0, end)),
        "stable": log.last_stable_offset(end),
        "epochs": [log.end_offset_for_epoch(epoch) for epoch in range(12)],
        "producers": producers,
        "times": [log.lookup_timestamp(NOW_MS + ms, end) for ms in range(0, 1000, 125)],
        "latest": log.max_timestamp_entry(),
    }
