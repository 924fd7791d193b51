"""The quorum's own records: in the log beside metadata records, in batches of their own.

A control record's key is (version int16, type int16), its value the message of that type.
"""

from __future__ import annotations

from struct import Struct, error
from typing import TYPE_CHECKING, Final

from minikafka.protocol.codec import decode, encode
from minikafka.protocol.records.raft import leader_change_message, voters_record
from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.records.raft.snapshot_footer_record import SnapshotFooterRecord
from minikafka.protocol.records.raft.snapshot_header_record import SnapshotHeaderRecord
from minikafka.raft.voters import Voter, VoterSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.protocol.types import Buffer, Message

LEADER_CHANGE: Final = 2
SNAPSHOT_HEADER: Final = 3
SNAPSHOT_FOOTER: Final = 4
KRAFT_VERSION: Final = 5
KRAFT_VOTERS: Final = 6

ControlRecord = tuple[int, "Message"]
"""(control record type, its message)"""

_KEY = Struct(">hh")
_KEY_VERSION = 0
_VALUE_VERSION = 0

_CLASSES: Final[dict[int, type[Message]]] = {
    LEADER_CHANGE: leader_change_message.LeaderChangeMessage,
    SNAPSHOT_HEADER: SnapshotHeaderRecord,
    SNAPSHOT_FOOTER: SnapshotFooterRecord,
    KRAFT_VERSION: KRaftVersionRecord,
    KRAFT_VOTERS: voters_record.VotersRecord,
}


def encode_control(record: ControlRecord) -> tuple[bytes, bytes]:
    """(key, value) of the record in a batch."""
    kind, message = record
    return _KEY.pack(_KEY_VERSION, kind), encode(message, _VALUE_VERSION)


def decode_control(key: Buffer, value: Buffer) -> ControlRecord | None:
    """The record of such a pair; None for a type that is not the quorum's. ValueError if broken."""
    try:
        _, kind = _KEY.unpack_from(key)
    except error as reason:
        raise ValueError(f"control record key: {reason}") from reason
    found = _CLASSES.get(kind)
    return None if found is None else (kind, decode(found, _VALUE_VERSION, value)[0])


def leader_change_record(
    leader_id: int, voter_ids: Iterable[int], granted: Iterable[int]
) -> ControlRecord:
    """The first record of an epoch: who leads, who could vote, and who voted so."""
    voter = leader_change_message.Voter
    return LEADER_CHANGE, leader_change_message.LeaderChangeMessage(
        leader_id=leader_id,
        voters=[voter(voter_id=node_id) for node_id in voter_ids],
        granting_voters=[voter(voter_id=node_id) for node_id in granted],
    )


def kraft_version_record(level: int) -> ControlRecord:
    """Finalises kraft.version."""
    return KRAFT_VERSION, KRaftVersionRecord(kraft_version=level)


def kraft_voters_record(voters: VoterSet) -> ControlRecord:
    """The whole voter set, which replaces the one before it."""
    return KRAFT_VOTERS, voters_record.VotersRecord(
        voters=[
            voters_record.Voter(
                voter_id=voter.node_id,
                voter_directory_id=voter.directory_id,
                endpoints=[
                    voters_record.Endpoint(name=name, host=host, port=port)
                    for name, host, port in voter.endpoints
                ],
                kraft_version_feature=voters_record.KRaftVersionFeature(
                    min_supported_version=voter.kraft_versions[0],
                    max_supported_version=voter.kraft_versions[1],
                ),
            )
            for voter in voters
        ]
    )


def voters_of(record: voters_record.VotersRecord) -> VoterSet:
    """The voter set of a KRaftVoters record."""
    return VoterSet(
        Voter(
            voter.voter_id,
            voter.voter_directory_id,
            [(e.name, e.host, e.port) for e in voter.endpoints],
            (
                voter.kraft_version_feature.min_supported_version,
                voter.kraft_version_feature.max_supported_version,
            ),
        )
        for voter in record.voters
    )
