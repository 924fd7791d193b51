"""OffsetCommitValue (record type 1): a committed offset."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    ZERO_UUID,
    Int32,
    Int64,
    Message,
    String,
    Uuid,
    ignorable,
    since,
    tag,
    until,
)


class OffsetCommitValue(Message, api_key=1, versions=(0, 4), flexible=4):
    # offset that the consumer wants to store (for this partition)
    offset: Int64 = 0
    # leader epoch of the last consumed record
    leader_epoch: Annotated[Int32, since(3), ignorable] = -1
    metadata: String = ""
    commit_timestamp: Int64 = 0
    # time at which the offset will expire
    expire_timestamp: Annotated[Int64, since(1), until(1), ignorable] = -1
    topic_id: Annotated[Uuid, tag(0, 4), ignorable] = ZERO_UUID
