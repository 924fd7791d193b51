"""SnapshotHeaderRecord: the control record that opens a metadata snapshot."""

from __future__ import annotations

from minikafka.protocol.types import Int16, Int64, Message


class SnapshotHeaderRecord(Message, versions=(0, 0), flexible=0):
    version: Int16 = 0
    last_contained_log_timestamp: Int64 = 0
