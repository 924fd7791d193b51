"""RemoveDelegationTokenRecord (metadata record type 26): a delegation token was removed."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class RemoveDelegationTokenRecord(Message, api_key=26, versions=(0, 0), flexible=0):
    token_id: String = ""
