"""QuorumStateData: the content of the `quorum-state` file: epoch, vote and leader of a KRaft
node.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uuid,
    since,
    until,
)


class QuorumStateData(Message, versions=(0, 1), flexible=0):
    cluster_id: Annotated[String, until(0)] = ""
    leader_id: Int32 = -1
    leader_epoch: Int32 = -1
    voted_id: Int32 = -1
    voted_directory_id: Annotated[Uuid, since(1)] = ZERO_UUID
    applied_offset: Annotated[Int64, until(0)] = 0
    current_voters: Annotated[list[Voter] | None, until(0)] = FRESH


class Voter(Struct):
    voter_id: Int32 = 0
