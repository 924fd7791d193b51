"""DescribeCluster (api key 60): tells cluster id, controller and brokers, or the controllers
(KIP-700, KIP-919).

v1: endpoint_type asks brokers or controllers; MISMATCHED_ENDPOINT_TYPE and
    UNSUPPORTED_ENDPOINT_TYPE may be returned.
v2: fenced brokers on request (KIP-1073).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Bool, Int8, Int16, Int32, Message, String, Struct, since


class DescribeClusterRequest(Message, api_key=60, versions=(0, 2), flexible=0):
    include_cluster_authorized_operations: Bool = False
    endpoint_type: Annotated[Int8, since(1)] = 1
    include_fenced_brokers: Annotated[Bool, since(2)] = False


class DescribeClusterResponse(Message, api_key=60, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    endpoint_type: Annotated[Int8, since(1)] = 1
    cluster_id: String = ""
    controller_id: Int32 = -1
    brokers: list[DescribeClusterBroker] = FRESH
    # 32-bit bitfield to represent authorized operations for this cluster
    cluster_authorized_operations: Int32 = -0x80000000


class DescribeClusterBroker(Struct):
    broker_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    # rack of the broker, or null if it has not been assigned to a rack
    rack: String | None = None
    is_fenced: Annotated[Bool, since(2)] = False
