"""AddOffsetsToTxn (api key 25): adds a group's offsets partition to a transaction.

v2: adds the support for new error code PRODUCER_FENCED.
v4: adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
"""

from __future__ import annotations

from minikafka.protocol.types import Int16, Int32, Int64, Message, String


class AddOffsetsToTxnRequest(Message, api_key=25, versions=(0, 4), flexible=3):
    transactional_id: String = ""
    producer_id: Int64 = 0
    # current epoch associated with the producer id
    producer_epoch: Int16 = 0
    group_id: String = ""


class AddOffsetsToTxnResponse(Message, api_key=25, versions=(0, 4), flexible=3):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
