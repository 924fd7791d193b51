"""UnfenceBrokerRecord (metadata record type 8): a broker was unfenced; replaced by
BrokerRegistrationChangeRecord.
"""

from __future__ import annotations

from minikafka.protocol.types import Int32, Int64, Message


class UnfenceBrokerRecord(Message, api_key=8, versions=(0, 0), flexible=0):
    id: Int32 = 0
    epoch: Int64 = 0
