"""LegacyOffsetCommitValue (record type 0): a committed offset, in the first value format."""

from __future__ import annotations

from minikafka.protocol.types import Int64, Message, String


class LegacyOffsetCommitValue(Message, api_key=0, versions=(0, 0)):
    # offset that the consumer wants to store (for this partition)
    offset: Int64 = 0
    metadata: String = ""
    commit_timestamp: Int64 = 0
