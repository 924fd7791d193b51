"""RemoveAccessControlEntryRecord (metadata record type 19): an access control entry was removed."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Message, Uuid


class RemoveAccessControlEntryRecord(Message, api_key=19, versions=(0, 0), flexible=0):
    id: Uuid = ZERO_UUID
