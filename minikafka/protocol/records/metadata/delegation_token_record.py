"""DelegationTokenRecord (metadata record type 10): a delegation token was issued or renewed."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int64, Message, String


class DelegationTokenRecord(Message, api_key=10, versions=(0, 0), flexible=0):
    owner: String = ""
    requester: String = ""
    # principals which can renew this token
    renewers: list[String] = FRESH
    issue_timestamp: Int64 = 0
    max_timestamp: Int64 = 0
    # next time at which this token must be renewed
    expiration_timestamp: Int64 = 0
    token_id: String = ""
