"""RemoveRaftVoter (api key 81): removes a voter from the metadata quorum (KIP-853)."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import ZERO_UUID, Int16, Int32, Message, String, Uuid, ignorable


class RemoveRaftVoterRequest(Message, api_key=81, versions=(0, 0), flexible=0):
    cluster_id: String | None = ""
    voter_id: Int32 = 0
    voter_directory_id: Uuid = ZERO_UUID


class RemoveRaftVoterResponse(Message, api_key=81, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, ignorable] = ""
