"""DescribeDelegationToken (api key 41): lists delegation tokens.

v3: adds token requester into the response.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bytes,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    since,
)


class DescribeDelegationTokenRequest(Message, api_key=41, versions=(1, 3), flexible=2):
    owners: list[DescribeDelegationTokenOwner] | None = FRESH


class DescribeDelegationTokenOwner(Struct):
    principal_type: String = ""
    principal_name: String = ""


class DescribeDelegationTokenResponse(Message, api_key=41, versions=(1, 3), flexible=2):
    error_code: Int16 = 0
    tokens: list[DescribedDelegationToken] = FRESH
    throttle_time_ms: Int32 = 0


class DescribedDelegationToken(Struct):
    principal_type: String = ""
    principal_name: String = ""
    token_requester_principal_type: Annotated[String, since(3)] = ""
    token_requester_principal_name: Annotated[String, since(3)] = ""
    issue_timestamp: Int64 = 0
    expiry_timestamp: Int64 = 0
    # token maximum timestamp length in milliseconds
    max_timestamp: Int64 = 0
    token_id: String = ""
    hmac: Bytes = b""
    renewers: list[DescribedDelegationTokenRenewer] = FRESH


class DescribedDelegationTokenRenewer(Struct):
    principal_type: String = ""
    principal_name: String = ""
