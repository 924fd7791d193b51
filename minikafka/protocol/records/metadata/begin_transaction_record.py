"""BeginTransactionRecord (metadata record type 23): begins a metadata transaction (KIP-868)."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Message, String, tag


class BeginTransactionRecord(Message, api_key=23, versions=(0, 0), flexible=0):
    name: Annotated[String | None, tag(0, 0)] = None
