"""A log that is written, compacted and crashed at random, beside a dict that says what it holds.

`story(random)` is one life: batches of idempotent and transactional producers, tombstones, commits
and aborts, several codecs; passes of compaction as time goes by, with a crash at one of their file
operations; and after each, `World.check` against what a reader must see.
"""

from contextlib import suppress
from random import Random
from typing import NamedTuple

from unit.log.compacting import Unhurried, clean
from unit.log.making import BROKER, EXPIRATION_MS, NOW_MS, append, marker, stored

from minikafka.log.partition_log import PartitionLog
from minikafka.records.batch import walk
from minikafka.records.builder import build_batch
from minikafka.records.compression import Codec
from minikafka.records.record import Record, decode_records
from minikafka.runtime.disk import Disk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings
from minikafka.sim.disk import Moment, SimDisk
from minikafka.sim.errors import ProcessGone

PATH = "/data/t-0"
KEYS = [b"a", b"b", b"c", b"a key of more than sixteen bytes", b"another key of that length"]
RETENTION_MS = 1000
_MOMENTS: tuple[Moment, ...] = ("before", "within", "after")
_CODECS = (Codec.NONE, Codec.NONE, Codec.GZIP, Codec.ZSTD, Codec.LZ4, Codec.SNAPPY)


class Written(NamedTuple):
    """A record as it was written; a transaction is named by its first offset."""

    record: Record
    transaction: int | None


class World:
    """The log, its disk, and the truth."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.disk = SimDisk(random.getrandbits(32))
        self.wall_ms = NOW_MS
        self.written: dict[int, Written] = {}
        self.markers: dict[int, int] = {}
        # Offsets of tombstones and markers → when a pass first came by.
        self.first_pass: dict[int, int] = {}
        self.last_pass = 0
        self.transactions: dict[int, str] = {}
        self.sequences: dict[int, int] = {}
        self.open: dict[int, int] = {}
        self.first_dirty = 0
        self.crashes = 0
        self.settings = self._settings()
        self.mount: Disk = self.disk.mount()
        self.mount.mkdir("/data")
        self.mount.fsync_dir_now("/")
        self.log = self._open(recovery_point=0)

    def _settings(self) -> TopicSettings:
        broker = {"node.id": "1", "process.roles": "broker,controller"} | dict(BROKER)
        made = TopicSettings.resolve({}, BrokerSettings.parse(broker))
        made.cleanup_policy = frozenset({"compact"})
        made.segment_bytes = self.random.choice((300, 1000, 100_000))
        made.index_interval_bytes = self.random.choice((0, 200))
        made.delete_retention_ms = RETENTION_MS
        return made

    def _open(self, recovery_point: int) -> PartitionLog:
        return PartitionLog.open(
            self.mount,
            PATH,
            topic="t",
            partition=0,
            settings=self.settings,
            wall_ms=self.wall_ms,
            clean=False,
            producer_expiration_ms=EXPIRATION_MS,
            recovery_point=recovery_point,
        )

    # -- what happens -----------------------------------------------------------------------------

    def put(self) -> None:
        """One batch by one of six producers: none, two idempotent, three transactional ones."""
        random = self.random
        producer_id = random.choice((-1, -1, 1, 2, 3, 4, 5))
        transactional = producer_id >= 3
        pairs = [
            (
                random.choice(KEYS),
                None if random.random() < 0.25 else b"%d" % random.getrandbits(30),
            )
            for _ in range(random.randrange(1, 5))
        ]
        sequence = -1
        if producer_id >= 0:
            sequence = self.sequences.get(producer_id, 0)
            self.sequences[producer_id] = sequence + len(pairs)
        made = build_batch(
            [(self.wall_ms + random.randrange(3), key, value, ()) for key, value in pairs],
            codec=random.choice(_CODECS),
            producer_id=producer_id,
            producer_epoch=0 if producer_id >= 0 else -1,
            base_sequence=sequence,
            transactional=transactional,
        )
        view = memoryview(bytearray(made))
        base = append(self.log, view, wall_ms=self.wall_ms)
        number = None
        if transactional:
            number = self.open.setdefault(producer_id, base)
            self.transactions[number] = "open"
        for record in decode_records(view):
            self.written[record.offset] = Written(record, number)

    def end_transaction(self) -> None:
        if self.open:
            producer_id = self.random.choice(sorted(self.open))
            committed = self.random.random() < 0.5
            made = marker(producer_id, 0, committed=committed, timestamp=self.wall_ms)
            offset = append(self.log, made, wall_ms=self.wall_ms)
            number = self.open.pop(producer_id)
            self.transactions[number] = "committed" if committed else "aborted"
            self.markers[offset] = number

    def roll(self) -> None:
        self.log.roll(self.wall_ms)

    async def compact(self, crash: tuple[int, bool, Moment] | None) -> bool:
        """One pass with a crash at a file operation of it; whether the pass came to its end."""
        await self.log.flush()
        recovery_point = self.random.choice((0, self.log.recovery_point))
        self.last_pass = self.wall_ms
        for offset, one in self.written.items():
            if one.record.value is None:
                self.first_pass.setdefault(offset, self.wall_ms)
        for offset in self.markers:
            self.first_pass.setdefault(offset, self.wall_ms)
        if crash is not None:
            operation, power, moment = crash
            self.disk.crash_at(operation, power=power, moment=moment)
        keys_max = self.random.choice((1, 3, 1000))
        done = False
        with suppress(ProcessGone):
            self.first_dirty = await clean(
                self.mount,
                self.log,
                self.first_dirty,
                wall_ms=self.wall_ms,
                keys_max=keys_max,
                pace=Unhurried(),
            )
            done = True
        if not done:
            self.crashes += 1
            self.mount = self.disk.mount()
            self.log = self._open(recovery_point)
            await self.log.flush()
        self.disk.cancel_crash()
        return done

    def restart(self) -> None:
        """Killed, and opened again by whoever believes nothing."""
        self.disk.crash(power=False)
        self.mount = self.disk.mount()
        self.log = self._open(recovery_point=0)

    # -- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        """Compare what readers get with the truth."""
        data = stored(self.log)
        end = self._check_offsets(data)
        assert self.log.log_end_offset == end
        visible = self._visible(data)
        self._check_newest(visible)
        self._check_retention(data, visible)
        self._check_state()

    def check_compacted(self) -> None:
        """After a whole pass: below the first dirty offset nothing is superseded or aborted."""
        data = stored(self.log)
        seen: set[bytes] = set()
        for _, record in self._records(data):
            if record.offset < self.first_dirty:
                one = self.written[record.offset]
                assert self._fate(one) != "aborted", f"aborted record {record.offset} stayed"
                assert record.key is not None
                assert record.key not in seen, f"{record.key!r} twice below {self.first_dirty}"
                seen.add(record.key)

    def _check_offsets(self, data: bytes) -> int:
        end = 0
        for position, header in walk(data):
            assert header.base_offset >= end, "offsets ascend"
            end = header.next_offset
            batch = data[position : position + header.size_bytes]
            if not header.is_control:
                assert len(decode_records(batch)) == header.record_count
        expected = [*self.written, *self.markers]
        return max(expected, default=-1) + 1

    def _records(self, data: bytes) -> list[tuple[int, Record]]:
        found = []
        for position, header in walk(data):
            if not header.is_control:
                batch = data[position : position + header.size_bytes]
                for record in decode_records(batch):
                    assert record == self.written[record.offset].record, "records never change"
                    found.append((header.producer_id, record))
        return found

    def _visible(self, data: bytes) -> list[Record]:
        """What a read-committed consumer delivers, by the aborted list and markers it is given."""
        stable = self.log.last_stable_offset(self.log.log_end_offset)
        assert stable == min(self.open.values(), default=self.log.log_end_offset)
        aborted = self.log.aborted_transactions(0, stable)
        awaited = sorted((entry.first_offset, entry.producer_id) for entry in aborted)
        dropping: set[int] = set()
        found = []
        for position, header in walk(data):
            if header.base_offset >= stable:
                break
            while awaited and awaited[0][0] <= header.last_offset:
                dropping.add(awaited.pop(0)[1])
            if header.is_control:
                dropping.discard(header.producer_id)
            elif not (header.is_transactional and header.producer_id in dropping):
                found += decode_records(data[position : position + header.size_bytes])
        for record in found:
            fate = self._fate(self.written[record.offset])
            assert fate != "aborted", f"aborted record {record.offset} is delivered"
        return found

    def _fate(self, one: Written) -> str:
        return "plain" if one.transaction is None else self.transactions[one.transaction]

    def _check_newest(self, visible: list[Record]) -> None:
        stable = min(self.open.values(), default=self.log.log_end_offset)
        truth: dict[bytes, Record] = {}
        for offset, one in self.written.items():
            if offset < stable and self._fate(one) != "aborted":
                assert one.record.key is not None
                truth[one.record.key] = one.record
        seen = {record.key: record for record in visible}
        for key, record in truth.items():
            found = seen.get(key)
            if record.value is not None or found is not None:
                assert found == record, f"{key!r}: {found} is not the newest, {record} is"

    def _check_retention(self, data: bytes, visible: list[Record]) -> None:
        """Tombstones that are the newest of their key, and markers, stay until their horizon."""
        newest = {record.key: record.offset for record in map(self._record, sorted(self.written))}
        there = {record.offset for record in visible}
        stable = min(self.open.values(), default=self.log.log_end_offset)
        for offset, one in self.written.items():
            is_newest = newest[one.record.key] == offset and offset < stable
            is_tombstone = one.record.value is None and self._fate(one) != "aborted"
            if is_newest and is_tombstone and self._must_stay(offset):
                assert offset in there, f"tombstone {offset} went too early"
        control = {header.base_offset for _, header in walk(data) if header.is_control}
        needed = {
            self.written[header.base_offset].transaction
            for _, header in walk(data)
            if header.is_transactional and not header.is_control
        }
        for offset, number in self.markers.items():
            if self._must_stay(offset) or number in needed:
                assert offset in control, f"marker {offset} went too early"

    def _record(self, offset: int) -> Record:
        return self.written[offset].record

    def _must_stay(self, offset: int) -> bool:
        first = self.first_pass.get(offset)
        return first is None or self.last_pass < first + RETENTION_MS

    def _check_state(self) -> None:
        entries = self.log.producers.entries
        for producer_id, sequence in self.sequences.items():
            entry = entries.get(producer_id)
            assert entry is not None, f"producer {producer_id} is forgotten"
            assert entry.last_sequence == sequence - 1
        base_offsets = self.log.segment_base_offsets
        assert base_offsets == sorted(set(base_offsets))


async def story(
    random: Random, *, rounds: int = 4, crash: tuple[int, bool, Moment] | None = None
) -> World:
    """A life of a log; `crash` is where its first pass crashes, by default at random or not."""
    world = World(random)
    for number in range(rounds):
        for _ in range(random.randrange(2, 12)):
            random.choice((world.put, world.put, world.put, world.end_transaction, world.roll))()
        world.roll()
        world.wall_ms += random.choice((1, 400, RETENTION_MS + 1))
        point = crash if number == 0 else None
        if crash is None and random.random() < 0.6:
            point = random.randrange(1, 70), random.random() < 0.7, random.choice(_MOMENTS)
        done = await world.compact(point)
        world.check()
        if done:
            world.check_compacted()
    world.restart()
    world.check()
    return world
