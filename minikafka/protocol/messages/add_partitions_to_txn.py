"""AddPartitionsToTxn (api key 24): adds partitions to a transaction, or verifies that they are
part of it.

v2: adds the support for new error code PRODUCER_FENCED.
v4: adds VerifyOnly field to check if partitions are already in transaction and adds support to
    batch multiple transactions.
v5: adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    ignorable,
    since,
    until,
)


class AddPartitionsToTxnRequest(Message, api_key=24, versions=(0, 5), flexible=3):
    transactions: Annotated[list[AddPartitionsToTxnTransaction], since(4)] = FRESH
    v3_and_below_transactional_id: Annotated[String, until(3)] = ""
    v3_and_below_producer_id: Annotated[Int64, until(3)] = 0
    # current epoch associated with the producer id
    v3_and_below_producer_epoch: Annotated[Int16, until(3)] = 0
    v3_and_below_topics: Annotated[list[AddPartitionsToTxnTopic], until(3)] = FRESH


class AddPartitionsToTxnTransaction(Struct):
    transactional_id: String = ""
    producer_id: Int64 = 0
    # current epoch associated with the producer id
    producer_epoch: Int16 = 0
    # boolean to signify if we want to check if the partition is in the transaction rather
    # than add it
    verify_only: Bool = False
    topics: list[AddPartitionsToTxnTopic] = FRESH


class AddPartitionsToTxnTopic(Struct):
    name: String = ""
    partitions: list[Int32] = FRESH


class AddPartitionsToTxnResponse(Message, api_key=24, versions=(0, 5), flexible=3):
    throttle_time_ms: Int32 = 0
    error_code: Annotated[Int16, since(4), ignorable] = 0
    results_by_transaction: Annotated[list[AddPartitionsToTxnResult], since(4)] = FRESH
    results_by_topic_v3_and_below: Annotated[list[AddPartitionsToTxnTopicResult], until(3)] = FRESH


class AddPartitionsToTxnResult(Struct):
    transactional_id: String = ""
    topic_results: list[AddPartitionsToTxnTopicResult] = FRESH


class AddPartitionsToTxnTopicResult(Struct):
    name: String = ""
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = FRESH


class AddPartitionsToTxnPartitionResult(Struct):
    partition_index: Int32 = 0
    partition_error_code: Int16 = 0
