"""CreateDelegationToken (api key 38): issues a delegation token (KIP-48).

v3: adds owner principal; adds token requester details.
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


class CreateDelegationTokenRequest(Message, api_key=38, versions=(1, 3), flexible=2):
    # principal type of the owner of the token. If it's null it defaults to the token
    # request principal
    owner_principal_type: Annotated[String | None, since(3)] = ""
    # principal name of the owner of the token. If it's null it defaults to the token
    # request principal
    owner_principal_name: Annotated[String | None, since(3)] = ""
    renewers: list[CreatableRenewers] = FRESH
    # maximum lifetime of the token in milliseconds, or -1 to use the server side default
    max_lifetime_ms: Int64 = 0


class CreatableRenewers(Struct):
    principal_type: String = ""
    principal_name: String = ""


class CreateDelegationTokenResponse(Message, api_key=38, versions=(1, 3), flexible=2):
    error_code: Int16 = 0
    principal_type: String = ""
    principal_name: String = ""
    token_requester_principal_type: Annotated[String, since(3)] = ""
    token_requester_principal_name: Annotated[String, since(3)] = ""
    issue_timestamp_ms: Int64 = 0
    expiry_timestamp_ms: Int64 = 0
    max_timestamp_ms: Int64 = 0
    token_id: String = ""
    hmac: Bytes = b""
    throttle_time_ms: Int32 = 0
