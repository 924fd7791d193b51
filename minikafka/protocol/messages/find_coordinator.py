"""FindCoordinator (api key 10): finds the broker that coordinates a group, transactional id or
share partition.

v1: key_type.
v4: several keys at once (KIP-699).
v5: TRANSACTION_ABORTABLE may be returned (KIP-890).
v6: key type 2 for share groups, the key being `groupId:topicId:partition` (KIP-932).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
    until,
)


class FindCoordinatorRequest(Message, api_key=10, versions=(0, 6), flexible=3):
    key: Annotated[String, until(3)] = ""
    key_type: Annotated[Int8, since(1)] = 0
    coordinator_keys: Annotated[list[String], since(4)] = FRESH


class FindCoordinatorResponse(Message, api_key=10, versions=(0, 6), flexible=3):
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    error_code: Annotated[Int16, until(3)] = 0
    error_message: Annotated[String | None, since(1), until(3), ignorable] = ""
    node_id: Annotated[Int32, until(3)] = 0
    host: Annotated[String, until(3)] = ""
    port: Annotated[Int32, until(3)] = 0
    coordinators: Annotated[list[Coordinator], since(4)] = FRESH


class Coordinator(Struct):
    key: String = ""
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, ignorable] = ""
