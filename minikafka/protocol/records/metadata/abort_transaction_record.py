"""AbortTransactionRecord (metadata record type 25): aborts a metadata transaction (KIP-868)."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Message, String, tag


class AbortTransactionRecord(Message, api_key=25, versions=(0, 0), flexible=0):
    reason: Annotated[String | None, tag(0, 0)] = None
