"""PartitionChangeRecord (metadata record type 5): some of a partition's fields changed.

v1: adds Directories for KIP-858.
v2: implements Eligible Leader Replicas and LastKnownElr as described in KIP-966.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import ZERO_UUID, Int8, Int32, Message, Uuid, tag


class PartitionChangeRecord(Message, api_key=5, versions=(0, 2), flexible=0):
    partition_id: Int32 = -1
    topic_id: Uuid = ZERO_UUID
    # null if the ISR didn't change; the new in-sync replicas otherwise
    isr: Annotated[list[Int32] | None, tag(0, 0)] = None
    # -1 if there is now no leader; -2 if the leader didn't change; the new leader otherwise
    leader: Annotated[Int32, tag(1, 0)] = -2
    # null if the replicas didn't change; the new replicas otherwise
    replicas: Annotated[list[Int32] | None, tag(2, 0)] = None
    # null if the removing replicas didn't change; the new removing replicas otherwise
    removing_replicas: Annotated[list[Int32] | None, tag(3, 0)] = None
    # null if the adding replicas didn't change; the new adding replicas otherwise
    adding_replicas: Annotated[list[Int32] | None, tag(4, 0)] = None
    # -1 if it didn't change; 0 if the leader was elected from the ISR or recovered from an
    # unclean election; 1 if the leader that was elected using unclean leader election and
    # it is still recovering
    leader_recovery_state: Annotated[Int8, tag(5, 0)] = -1
    # null if the log dirs didn't change; the new log directory for each replica otherwise
    directories: Annotated[list[Uuid] | None, tag(8, 1)] = None
    # null if the ELR didn't change; the new eligible leader replicas otherwise
    eligible_leader_replicas: Annotated[list[Int32] | None, tag(6, 2)] = None
    # null if the LastKnownElr didn't change; the last known eligible leader replicas
    # otherwise
    last_known_elr: Annotated[list[Int32] | None, tag(7, 2)] = None
