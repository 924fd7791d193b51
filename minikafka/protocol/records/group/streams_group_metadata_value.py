"""StreamsGroupMetadataValue (record type 17): a streams group's epoch and metadata hash."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int32, Int64, Message, String, Struct, tag


class StreamsGroupMetadataValue(Message, api_key=17, versions=(0, 0), flexible=0):
    epoch: Int32 = 0
    metadata_hash: Int64 = 0
    # topology epoch whose topics are validated to be present in a valid configuration in
    # the metadata
    validated_topology_epoch: Annotated[Int32, tag(0, 0)] = -1
    last_assignment_configs: Annotated[list[LastAssignmentConfig] | None, tag(1, 0)] = FRESH


class LastAssignmentConfig(Struct):
    key: String = ""
    value: String = ""
