"""DescribeUserScramCredentials (api key 50): tells which SCRAM credentials users have (KIP-554)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Message, String, Struct


class DescribeUserScramCredentialsRequest(Message, api_key=50, versions=(0, 0), flexible=0):
    # users to describe, or null/empty to describe all users
    users: list[UserName] | None = FRESH


class UserName(Struct):
    name: String = ""


class DescribeUserScramCredentialsResponse(Message, api_key=50, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
    results: list[DescribeUserScramCredentialsResult] = FRESH


class DescribeUserScramCredentialsResult(Struct):
    user: String = ""
    error_code: Int16 = 0
    error_message: String | None = ""
    credential_infos: list[CredentialInfo] = FRESH


class CredentialInfo(Struct):
    mechanism: Int8 = 0
    iterations: Int32 = 0
