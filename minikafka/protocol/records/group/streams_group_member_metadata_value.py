"""StreamsGroupMemberMetadataValue (record type 19): a streams group member's identity and
process.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int32, Message, String, Struct, Uint16


class StreamsGroupMemberMetadataValue(Message, api_key=19, versions=(0, 0), flexible=0):
    # the (optional) instance ID for static membership
    instance_id: String | None = ""
    rack_id: String | None = ""
    client_id: String = ""
    client_host: String = ""
    rebalance_timeout_ms: Int32 = -1
    topology_epoch: Int32 = 0
    process_id: String = ""
    # user-defined endpoint for running interactive queries on this instance
    user_endpoint: Endpoint | None = None
    # used for rack-aware assignment algorithm
    client_tags: list[KeyValue] = FRESH


class Endpoint(Struct):
    host: String = ""
    port: Uint16 = 0


class KeyValue(Struct):
    key: String = ""
    value: String = ""
