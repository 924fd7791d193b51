"""PartitionRecord (metadata record type 3): a partition exists, with its replicas and leader.

v1: adds Directories for KIP-858.
v2: implements Eligible Leader Replicas and LastKnownElr as described in KIP-966.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, ZERO_UUID, Int8, Int32, Message, Uuid, since, tag


class PartitionRecord(Message, api_key=3, versions=(0, 2), flexible=0):
    partition_id: Int32 = -1
    topic_id: Uuid = ZERO_UUID
    replicas: list[Int32] = FRESH
    isr: list[Int32] = FRESH
    removing_replicas: list[Int32] = FRESH
    adding_replicas: list[Int32] = FRESH
    # lead replica, or -1 if there is no leader
    leader: Int32 = -1
    # 1 if the partition is recovering from an unclean leader election; 0 otherwise
    leader_recovery_state: Annotated[Int8, tag(0, 0)] = 0
    leader_epoch: Int32 = -1
    # an epoch that gets incremented each time we change anything in the partition
    partition_epoch: Int32 = -1
    directories: Annotated[list[Uuid], since(1)] = FRESH
    eligible_leader_replicas: Annotated[list[Int32] | None, tag(1, 2)] = None
    last_known_elr: Annotated[list[Int32] | None, tag(2, 2)] = None
