"""ShareGroupStatePartitionMetadataKey (record type 15): which share group's initialized
partitions.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ShareGroupStatePartitionMetadataKey(Message, api_key=15, versions=(0, 0)):
    group_id: String = ""
