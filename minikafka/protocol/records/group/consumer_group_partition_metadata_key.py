"""ConsumerGroupPartitionMetadataKey (record type 4): which consumer group's partition counts;
replaced in 4.1 (KIP-1101).
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupPartitionMetadataKey(Message, api_key=4, versions=(0, 0)):
    group_id: String = ""
