"""SnapshotFooterRecord: the control record that closes a metadata snapshot."""

from __future__ import annotations

from minikafka.protocol.types import Int16, Message


class SnapshotFooterRecord(Message, versions=(0, 0), flexible=0):
    version: Int16 = 0
