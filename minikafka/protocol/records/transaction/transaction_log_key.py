"""TransactionLogKey (record type 0): which transactional id."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class TransactionLogKey(Message, api_key=0, versions=(0, 0)):
    transactional_id: String = ""
