"""DescribeTransactions (api key 65): tells the state of transactions by transactional id
(KIP-664).
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Int64, Message, String, Struct


class DescribeTransactionsRequest(Message, api_key=65, versions=(0, 0), flexible=0):
    # array of transactionalIds to include in describe results. If empty, then no results
    # will be returned
    transactional_ids: list[String] = FRESH


class DescribeTransactionsResponse(Message, api_key=65, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    transaction_states: list[TransactionState] = FRESH


class TransactionState(Struct):
    error_code: Int16 = 0
    transactional_id: String = ""
    transaction_state: String = ""
    transaction_timeout_ms: Int32 = 0
    transaction_start_time_ms: Int64 = 0
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    # set of partitions included in the current transaction (if active). When a transaction
    # is preparing to commit or abort, this will include only partitions which do not have
    # markers
    topics: list[TopicData] = FRESH


class TopicData(Struct):
    topic: String = ""
    partitions: list[Int32] = FRESH
