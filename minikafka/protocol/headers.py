"""The headers in front of every request and response."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Int16, Int32, Message, String, never_flexible


class RequestHeader(Message, versions=(1, 2), flexible=2):
    request_api_key: Int16 = 0
    request_api_version: Int16 = 0
    correlation_id: Int32 = 0
    # Classic in version 2 as well: a broker must be able to read the header of an ApiVersions
    # request that is newer than itself (KIP-511).
    client_id: Annotated[String | None, never_flexible] = ""


class ResponseHeader(Message, versions=(0, 1), flexible=1):
    correlation_id: Int32 = 0
