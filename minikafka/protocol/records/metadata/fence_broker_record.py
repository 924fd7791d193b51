"""FenceBrokerRecord (metadata record type 7): a broker was fenced; replaced by
BrokerRegistrationChangeRecord.
"""

from __future__ import annotations

from minikafka.protocol.types import Int32, Int64, Message


class FenceBrokerRecord(Message, api_key=7, versions=(0, 0), flexible=0):
    id: Int32 = 0
    epoch: Int64 = 0
