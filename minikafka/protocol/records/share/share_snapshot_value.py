"""ShareSnapshotValue (record type 0): the full state of a share partition."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Int64, Message, Struct, tag


class ShareSnapshotValue(Message, api_key=0, versions=(0, 0), flexible=0):
    snapshot_epoch: Int32 = 0
    state_epoch: Int32 = 0
    leader_epoch: Int32 = 0
    start_offset: Int64 = 0
    # number of offsets greater than or equal to share-partition start offset for which
    # delivery has been completed
    delivery_complete_count: Annotated[Int32, tag(0, 0)] = -1
    # time at which the state was created
    create_timestamp: Int64 = 0
    # time at which the state was written or rewritten
    write_timestamp: Int64 = 0
    state_batches: list[StateBatch] = FRESH


class StateBatch(Struct):
    first_offset: Int64 = 0
    last_offset: Int64 = 0
    # delivery state - 0:Available,2:Acked,4:Archived
    delivery_state: Int8 = 0
    delivery_count: Int16 = 0
