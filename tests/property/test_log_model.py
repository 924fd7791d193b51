"""A partition's log against a list of batches: appends, rolls, cuts, clean stops and crashes."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from unit.log.making import NOW_MS, append, batch, headers, marker, open_log

from minikafka.records.batch import read_header

SMALL = {"segment_bytes": 1200, "index_interval_bytes": 150, "file_delete_delay_ms": 0}


class Stored:
    """One batch of the model."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.header = read_header(data)


class LogMachine(RuleBasedStateMachine):
    """`self.batches` is what the log must hold, whatever happens to the process."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="minikafka-log-"))
        self.path = self.directory / "t-0"
        self.batches: list[Stored] = []
        self.start = 0
        self.end = 0
        self.epoch = 0
        self.log = open_log(self.path, **SMALL)

    def teardown(self) -> None:
        self.log.close(clean=False)
        shutil.rmtree(self.directory)

    # -- what a broker does -----------------------------------------------------------------------

    @rule(
        count=st.integers(1, 5),
        size=st.integers(0, 300),
        producer=st.integers(-1, 2),
        transactional=st.booleans(),
        ts=st.integers(-1, 50),
    )
    def append(self, count: int, size: int, producer: int, transactional: bool, ts: int) -> None:
        sequence, epoch = -1, -1
        if producer >= 0:
            ts = max(ts, 0)  # without a timestamp a producer has expired when it is reloaded
            known = self.log.producers.entries.get(producer)
            sequence = 0 if known is None else known.last_sequence + 1
            epoch = 0
            transactional = transactional or (
                known is not None and known.transaction_first_offset >= 0
            )
        made = batch(
            count,
            size=size,
            timestamp=NOW_MS + ts if ts >= 0 else -1,
            step_ms=0,
            producer=(producer, epoch, sequence),
            transactional=transactional and producer >= 0,
        )
        if producer >= 0:
            assert self.log.producers.check(read_header(made)) is None
        self._appended(made)

    @rule(producer=st.integers(0, 2), committed=st.booleans())
    def end_transaction(self, producer: int, committed: bool) -> None:
        self._appended(marker(producer, 0, committed=committed))

    def _appended(self, made: memoryview) -> None:
        assert append(self.log, made, self.epoch) == self.end
        self.batches.append(Stored(bytes(made)))
        self.end = self.batches[-1].header.next_offset

    @rule()
    def lead_anew(self) -> None:
        self.epoch += 1
        self.log.assign_leader_epoch(self.epoch)

    @rule(share=st.floats(0, 1))
    def truncate(self, share: float) -> None:
        offset = self.start + round(share * (self.end - self.start))
        self.log.truncate_to(offset)
        self.batches = [one for one in self.batches if one.header.next_offset <= offset]
        inside = self.log.log_end_offset
        assert inside <= offset
        self.end = self.batches[-1].header.next_offset if self.batches else inside
        assert inside == self.end
        self.start = min(self.start, self.end)

    @rule(share=st.floats(0, 1))
    def delete_records(self, share: float) -> None:
        self.start += round(share * (self.end - self.start))
        self.log.advance_log_start(self.start)

    @rule()
    def clean_up(self) -> None:
        self.log.delete_old_segments(NOW_MS, self.end)
        assert self.log.log_start_offset == self.start
        base = self.log.segment_base_offsets[0]
        assert base <= self.start
        self.batches = [one for one in self.batches if one.header.base_offset >= base]

    # -- what happens to it -----------------------------------------------------------------------

    @rule()
    def stop_and_start(self) -> None:
        self.log.close()
        self.log = open_log(self.path, clean=True, log_start_offset=self.start, **SMALL)

    @rule(
        lost=st.integers(0, 700),
        garbage=st.binary(max_size=100),
        flipped=st.none() | st.floats(0, 0.999),
    )
    def crash(self, lost: int, garbage: bytes, flipped: float | None) -> None:
        bases = self.log.segment_base_offsets
        self.log.close(clean=False)
        last = self.path / f"{bases[-1]:020d}.log"
        data = bytearray(last.read_bytes())
        if lost and data:
            first_lost = data[max(0, len(data) - lost)]
            del data[-lost:]
            if garbage:  # which must not happen to be what was lost
                garbage = bytes([first_lost ^ 1]) + garbage[1:]
        intact = len(data)
        if flipped is not None and data:
            at = self._covered(int(flipped * len(data)), bases[-1])
            if at < len(data):
                data[at] ^= 0x40
                intact = min(intact, at)
        last.write_bytes(bytes(data) + garbage)
        kept, position = [], 0
        for one in self.batches:
            if one.header.base_offset >= bases[-1]:
                position += len(one.data)
                if position > intact:
                    break
            kept.append(one)
        self.batches = kept
        self.log = open_log(self.path, clean=False, log_start_offset=self.start, **SMALL)
        self.end = max(self.batches[-1].header.next_offset if kept else 0, bases[-1])
        if self.start > self.end:
            self.batches, self.end = [], self.start

    def _covered(self, at: int, base_offset: int) -> int:
        """A byte at or behind `at` that the CRC, the length or the magic covers.

        Base offset and leader epoch lie outside of the CRC: a leader stamps them.
        """
        position = 0
        for one in self.batches:
            if one.header.base_offset >= base_offset:
                if at < position + len(one.data):
                    inside = at - position
                    inside = 8 if inside < 8 else 16 if 12 <= inside < 16 else inside
                    return position + inside
                position += len(one.data)
        return at

    # -- what must hold ---------------------------------------------------------------------------

    @invariant()
    def the_log_is_the_list(self) -> None:
        log = self.log
        assert (log.log_start_offset, log.log_end_offset) == (self.start, self.end)
        wanted = [one for one in self.batches if one.header.next_offset > self.start]
        found, offset = [], self.start
        while True:
            read = log.read(offset, 400, max_offset=self.end, min_one_batch=True)
            if read.region is None:
                break
            data = read.region.read(0, read.size)
            read.region.release()
            whole = whole_batches(data)
            found += whole
            offset = read_header(whole[-1]).next_offset
        assert found == [one.data for one in wanted]

    @invariant()
    def producers_follow_from_the_batches(self) -> None:
        last: dict[int, tuple[int, int]] = {}
        for one in self.batches:
            header = one.header
            if header.producer_id >= 0 and not header.is_control:
                last[header.producer_id] = (header.last_sequence, header.last_offset)
        entries = self.log.producers.entries
        for producer_id, (sequence, offset) in last.items():
            if offset >= self.start:
                assert entries[producer_id].last_sequence == sequence
                assert entries[producer_id].last_offset == offset

    @invariant()
    def epochs_follow_from_the_batches(self) -> None:
        for one in self.batches:
            if one.header.base_offset >= self.start:
                assert self.log.epoch_at(one.header.base_offset) == (
                    one.header.partition_leader_epoch
                )

    @invariant()
    def the_latest_timestamp_is_known(self) -> None:
        base = self.log.segment_base_offsets[0]
        stamps = [
            one.header.max_timestamp for one in self.batches if one.header.base_offset >= base
        ]
        assert self.log.largest_timestamp == max(stamps, default=-1)


def whole_batches(data: bytes) -> list[bytes]:
    """The batches of a fetch, without a truncated last one."""
    found, position = [], 0
    while position + 61 <= len(data):
        end = position + read_header(data, position).size_bytes
        if end > len(data):
            break
        found.append(data[position:end])
        position = end
    assert found
    assert len(headers(b"".join(found))) == len(found)
    return found


TestLog = LogMachine.TestCase
TestLog.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
