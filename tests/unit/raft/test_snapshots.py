"""The bytes of `.checkpoint` files."""

from __future__ import annotations

from uuid import UUID

import pytest

from minikafka.raft.snapshots import Snapshot, parse_snapshot_name, snapshot_name
from minikafka.raft.voters import Voter, VoterSet
from minikafka.records.batch import walk

VOTERS = VoterSet([Voter(1, UUID(int=9), [("CONTROLLER", "h", 9093)], (0, 1)), Voter(2)])


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
def test_records_come_back_in_order(count: int) -> None:
    values = [f"record {n}".encode() for n in range(count)]
    data = Snapshot(values, last_contained_ms=77).encode(epoch=3, wall_ms=99)
    read = Snapshot.decode(data)
    assert [bytes(value) for value in read.values] == values
    assert (read.last_contained_ms, read.kraft_version, read.voters) == (77, 0, None)
    offset = 0
    for _, header in walk(data):
        assert (header.base_offset, header.partition_leader_epoch) == (offset, 3)
        offset = header.next_offset
    assert offset == count + 2


def test_voters_travel_in_the_first_batch() -> None:
    snapshot = Snapshot([b"x"], kraft_version=1, voters=VOTERS)
    read = Snapshot.decode(snapshot.encode(epoch=0, wall_ms=1))
    assert read.kraft_version == 1
    assert read.voters is not None
    assert [(v.node_id, v.directory_id, v.endpoints) for v in read.voters] == [
        (v.node_id, v.directory_id, v.endpoints) for v in VOTERS
    ]


def test_a_file_cut_anywhere_is_no_snapshot() -> None:
    data = Snapshot([b"one", b"two"]).encode(epoch=0, wall_ms=1)
    for size in range(len(data)):
        with pytest.raises(ValueError):
            Snapshot.decode(data[:size])


def test_a_flipped_byte_is_noticed() -> None:
    data = bytearray(Snapshot([b"one", b"two"]).encode(epoch=0, wall_ms=1))
    data[140] ^= 1
    with pytest.raises(ValueError, match="CRC"):
        Snapshot.decode(bytes(data))


def test_names() -> None:
    name = "00000000000000000134-0000000002.checkpoint"
    assert snapshot_name(134, 2) == name
    assert parse_snapshot_name(name) == (134, 2)
    for other in ("bootstrap.checkpoint", "00000000000000000134.log", "1-2", "a-b.checkpoint"):
        assert parse_snapshot_name(other) is None
