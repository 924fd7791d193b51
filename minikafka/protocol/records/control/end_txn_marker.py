"""EndTxnMarker: the value of a commit or abort marker."""

from __future__ import annotations

from minikafka.protocol.types import Int32, Message


class EndTxnMarker(Message, versions=(0, 0)):
    # coordinator epoch when appending the record
    coordinator_epoch: Int32 = 0
