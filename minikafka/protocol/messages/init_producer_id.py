"""InitProducerId (api key 22): gives a producer its id and epoch, fencing older instances of its
transactional id.

v3: adds ProducerId and ProducerEpoch, allowing producers to try to resume after an
    INVALID_PRODUCER_EPOCH error.
v4: adds the support for new error code PRODUCER_FENCED.
v5: adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
v6: adds support for 2PC (KIP-939).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Bool, Int16, Int32, Int64, Message, String, ignorable, since


class InitProducerIdRequest(Message, api_key=22, versions=(0, 6), flexible=2):
    # transactional id, or null if the producer is not transactional
    transactional_id: String | None = ""
    # time in ms to wait before aborting idle transactions sent by this producer. This is
    # only relevant if a TransactionalId has been defined
    transaction_timeout_ms: Int32 = 0
    # producer id. This is used to disambiguate requests if a transactional id is reused
    # following its expiration
    producer_id: Annotated[Int64, since(3)] = -1
    # producer's current epoch. This will be checked against the producer epoch on the
    # broker, and the request will return an error if they do not match
    producer_epoch: Annotated[Int16, since(3)] = -1
    # true if the client wants to enable two-phase commit (2PC) protocol for transactions
    enable2_pc: Annotated[Bool, since(6)] = False
    # true if the client wants to keep the currently ongoing transaction instead of aborting
    # it
    keep_prepared_txn: Annotated[Bool, since(6)] = False


class InitProducerIdResponse(Message, api_key=22, versions=(0, 6), flexible=2):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    error_code: Int16 = 0
    producer_id: Int64 = -1
    producer_epoch: Int16 = 0
    # producer id for ongoing transaction when KeepPreparedTxn is used, -1 if there is no
    # transaction ongoing
    ongoing_txn_producer_id: Annotated[Int64, since(6)] = -1
    # epoch associated with the producer id for ongoing transaction when KeepPreparedTxn is
    # used, -1 if there is no transaction ongoing
    ongoing_txn_producer_epoch: Annotated[Int16, since(6)] = -1
