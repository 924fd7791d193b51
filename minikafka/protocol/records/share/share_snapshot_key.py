"""ShareSnapshotKey (record type 0): which share partition a full state is for."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Int32, Message, String, Uuid


class ShareSnapshotKey(Message, api_key=0, versions=(0, 0)):
    group_id: String = ""
    topic_id: Uuid = ZERO_UUID
    partition: Int32 = 0
