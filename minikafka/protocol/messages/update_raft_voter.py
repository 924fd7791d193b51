"""UpdateRaftVoter (api key 82): changes a voter's endpoints and versions (KIP-853)."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uint16,
    Uuid,
    named,
    never_null,
    tag,
)


class UpdateRaftVoterRequest(Message, api_key=82, versions=(0, 0), flexible=0):
    cluster_id: String | None = ""
    current_leader_epoch: Int32 = 0
    voter_id: Int32 = 0
    voter_directory_id: Uuid = ZERO_UUID
    listeners: list[Listener] = FRESH
    kraft_version_feature: Annotated[KRaftVersionFeature, named("kRaftVersionFeature")] = FRESH


class Listener(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0


class KRaftVersionFeature(Struct):
    min_supported_version: Int16 = 0
    max_supported_version: Int16 = 0


class UpdateRaftVoterResponse(Message, api_key=82, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    current_leader: Annotated[CurrentLeader | None, tag(0, 0), never_null] = None


class CurrentLeader(Struct):
    # replica id of the current leader or -1 if the leader is unknown
    leader_id: Int32 = -1
    leader_epoch: Int32 = -1
    host: String = ""
    port: Int32 = 0
