"""UserScramCredentialRecord (metadata record type 11): a user's SCRAM credential."""

from __future__ import annotations

from minikafka.protocol.types import Bytes, Int8, Int32, Message, String


class UserScramCredentialRecord(Message, api_key=11, versions=(0, 0), flexible=0):
    name: String = ""
    mechanism: Int8 = 0
    salt: Bytes = b""
    stored_key: Bytes = b""
    server_key: Bytes = b""
    iterations: Int32 = 0
