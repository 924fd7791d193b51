"""ShareGroupMetadataValue (record type 11): a share group's epoch."""

from __future__ import annotations

from minikafka.protocol.types import Int32, Int64, Message


class ShareGroupMetadataValue(Message, api_key=11, versions=(0, 0), flexible=0):
    epoch: Int32 = 0
    metadata_hash: Int64 = 0
