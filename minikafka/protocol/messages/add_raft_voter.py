"""AddRaftVoter (api key 80): adds a voter to the metadata quorum (KIP-853).

v1: adds the AckWhenCommitted field.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uint16,
    Uuid,
    ignorable,
    since,
)


class AddRaftVoterRequest(Message, api_key=80, versions=(0, 1), flexible=0):
    cluster_id: String | None = ""
    # maximum time to wait for the request to complete before returning
    timeout_ms: Int32 = 0
    voter_id: Int32 = 0
    voter_directory_id: Uuid = ZERO_UUID
    listeners: list[Listener] = FRESH
    # when true, return a response after the new voter set is committed. Otherwise, return
    # after the leader writes the changes locally
    ack_when_committed: Annotated[Bool, since(1)] = True


class Listener(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0


class AddRaftVoterResponse(Message, api_key=80, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, ignorable] = ""
