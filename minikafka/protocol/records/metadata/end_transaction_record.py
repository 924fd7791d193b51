"""EndTransactionRecord (metadata record type 24): ends a metadata transaction (KIP-868)."""

from __future__ import annotations

from minikafka.protocol.types import Message


class EndTransactionRecord(Message, api_key=24, versions=(0, 0), flexible=0):
    """No fields."""
