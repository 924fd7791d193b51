"""The records of groups and offsets, in the versions that Kafka 4.3 writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.decision import Record
from minikafka.protocol.records.group.group_metadata_key import GroupMetadataKey
from minikafka.protocol.records.group.group_metadata_value import (
    GroupMetadataValue,
    MemberMetadata,
)
from minikafka.protocol.records.group.offset_commit_key import OffsetCommitKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue

GROUP_METADATA_VERSION = 3
OFFSET_COMMIT_VERSION = 4
OFFSET_COMMIT_VERSION_WITH_EXPIRY = 1
"""The only version with a time to expire at, which commits before v5 could ask for."""
NO_EXPIRY = -1


def group_metadata(group: ClassicGroup, assignments: Mapping[str, bytes]) -> Record:
    """The group with its members as they are, each with its assignment."""
    return Record(
        GroupMetadataKey(group=group.group_id),
        GroupMetadataValue(
            protocol_type=group.protocol_type or "",
            generation=group.generation,
            protocol=group.protocol,
            leader=group.leader,
            current_state_timestamp=group.timestamp,
            members=[
                MemberMetadata(
                    member_id=member.member_id,
                    group_instance_id=member.instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout=member.rebalance_timeout_ms,
                    session_timeout=member.session_timeout_ms,
                    subscription=member.metadata(group.protocol),
                    assignment=assignments.get(member.member_id, b""),
                )
                for member in group.members.values()
            ],
        ),
        GROUP_METADATA_VERSION,
    )


def empty_group_metadata(group: ClassicGroup) -> Record:
    """The group without members."""
    return Record(
        GroupMetadataKey(group=group.group_id),
        GroupMetadataValue(
            protocol_type=group.protocol_type or "",
            generation=group.generation,
            protocol=None,
            leader=None,
            current_state_timestamp=group.timestamp,
        ),
        GROUP_METADATA_VERSION,
    )


def group_tombstone(group_id: str) -> Record:
    """The group is gone."""
    return Record(GroupMetadataKey(group=group_id), None)


def offset_commit(group_id: str, topic: str, partition: int, value: OffsetCommitValue) -> Record:
    """A committed offset."""
    version = OFFSET_COMMIT_VERSION
    if value.expire_timestamp != NO_EXPIRY:
        version = OFFSET_COMMIT_VERSION_WITH_EXPIRY
    return Record(OffsetCommitKey(group=group_id, topic=topic, partition=partition), value, version)


def offset_tombstone(group_id: str, topic: str, partition: int) -> Record:
    """The offset is gone."""
    return Record(OffsetCommitKey(group=group_id, topic=topic, partition=partition), None)
