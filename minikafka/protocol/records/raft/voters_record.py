"""VotersRecord: the control record that tells the voters of the metadata quorum."""

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
)


class VotersRecord(Message, versions=(0, 0), flexible=0):
    version: Int16 = 0
    voters: list[Voter] = FRESH


class Voter(Struct):
    voter_id: Int32 = 0
    voter_directory_id: Uuid = ZERO_UUID
    endpoints: list[Endpoint] = FRESH
    kraft_version_feature: Annotated[KRaftVersionFeature, named("kRaftVersionFeature")] = FRESH


class Endpoint(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0


class KRaftVersionFeature(Struct):
    min_supported_version: Int16 = 0
    max_supported_version: Int16 = 0
