"""ListTransactions (api key 66): lists transactions that a coordinator knows (KIP-664).

v1: duration_filter leaves out young transactions (KIP-994).
v2: transactional_id_pattern filters by a regular expression (KIP-1152).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int16, Int32, Int64, Message, String, Struct, since


class ListTransactionsRequest(Message, api_key=66, versions=(0, 2), flexible=0):
    # transaction states to filter by: if empty, all transactions are returned; if non-
    # empty, then only transactions matching one of the filtered states will be returned
    state_filters: list[String] = FRESH
    # producerIds to filter by: if empty, all transactions will be returned; if non-empty,
    # only transactions which match one of the filtered producerIds will be returned
    producer_id_filters: list[Int64] = FRESH
    # duration (in millis) to filter by: if < 0, all transactions will be returned;
    # otherwise, only transactions running longer than this duration will be returned
    duration_filter: Annotated[Int64, since(1)] = -1
    # transactional ID regular expression pattern to filter by: if it is empty or null, all
    # transactions are returned; Otherwise then only the transactions matching the given
    # regular expression will be returned
    transactional_id_pattern: Annotated[String | None, since(2)] = None


class ListTransactionsResponse(Message, api_key=66, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    # set of state filters provided in the request which were unknown to the transaction
    # coordinator
    unknown_state_filters: list[String] = FRESH
    # current state of the transaction for the transactional id
    transaction_states: list[TransactionState] = FRESH


class TransactionState(Struct):
    transactional_id: String = ""
    producer_id: Int64 = 0
    transaction_state: String = ""
