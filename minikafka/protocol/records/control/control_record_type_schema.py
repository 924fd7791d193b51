"""ControlRecordTypeSchema: what kind of control record, in its key."""

from __future__ import annotations

from minikafka.protocol.types import Int16, Message


class ControlRecordTypeSchema(Message, versions=(0, 0)):
    type: Int16 = 0
