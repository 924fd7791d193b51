"""AlterUserScramCredentials (api key 51): sets and deletes SCRAM credentials (KIP-554)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bytes, Int8, Int16, Int32, Message, String, Struct


class AlterUserScramCredentialsRequest(Message, api_key=51, versions=(0, 0), flexible=0):
    deletions: list[ScramCredentialDeletion] = FRESH
    upsertions: list[ScramCredentialUpsertion] = FRESH


class ScramCredentialDeletion(Struct):
    name: String = ""
    mechanism: Int8 = 0


class ScramCredentialUpsertion(Struct):
    name: String = ""
    mechanism: Int8 = 0
    iterations: Int32 = 0
    salt: Bytes = b""
    salted_password: Bytes = b""


class AlterUserScramCredentialsResponse(Message, api_key=51, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    results: list[AlterUserScramCredentialsResult] = FRESH


class AlterUserScramCredentialsResult(Struct):
    user: String = ""
    error_code: Int16 = 0
    error_message: String | None = ""
