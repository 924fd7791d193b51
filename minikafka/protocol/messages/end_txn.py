"""EndTxn (api key 26): commits or aborts a transaction.

v2: adds the support for new error code PRODUCER_FENCED.
v4: adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
v5: enables bumping epoch on every transaction (KIP-890 Part 2).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Bool, Int16, Int32, Int64, Message, String, ignorable, since


class EndTxnRequest(Message, api_key=26, versions=(0, 5), flexible=3):
    transactional_id: String = ""
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    # true if the transaction was committed, false if it was aborted
    committed: Bool = False


class EndTxnResponse(Message, api_key=26, versions=(0, 5), flexible=3):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    producer_id: Annotated[Int64, since(5), ignorable] = -1
    producer_epoch: Annotated[Int16, since(5), ignorable] = -1
