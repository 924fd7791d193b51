"""Producer ids and transactions: expiry, time limits, and the topic that holds their state."""

from typing import Any, Final

from minikafka.settings.declare import Declared, setting
from minikafka.settings.kinds import BOOLEAN, INT, SHORT

#: the transaction coordinator is a later issue; until then its keys are only parsed and described
_LATER: Final[dict[str, Any]] = {"acted_upon": False}


class TransactionSettings(Declared):
    """Idempotent and transactional producers."""

    producer_id_expiration_ms = setting(
        "producer.id.expiration.ms",
        86400000,
        kind=INT,
        at_least=1,
        dynamic="cluster-wide",
        hostile=(1000, 86400000),
        doc="How long a partition remembers a producer that writes nothing any more.",
    )
    transaction_max_timeout_ms = setting(
        "transaction.max.timeout.ms",
        900000,
        kind=INT,
        at_least=1,
        doc="The longest transaction timeout that a producer may ask for.",
    )
    transactional_id_expiration_ms = setting(
        "transactional.id.expiration.ms",
        604800000,
        kind=INT,
        at_least=1,
        doc="How long a transactional id without transactions is remembered.",
        **_LATER,
    )
    transaction_two_phase_commit_enable = setting(
        "transaction.two.phase.commit.enable",
        False,
        kind=BOOLEAN,
        doc="Allow transactions that never time out (KIP-939).",
        **_LATER,
    )
    transaction_partition_verification_enable = setting(
        "transaction.partition.verification.enable",
        True,
        kind=BOOLEAN,
        dynamic="cluster-wide",
        doc="Ask the coordinator whether a partition is part of a transaction before it is "
        "written to (KIP-890).",
        **_LATER,
    )
    add_partitions_to_txn_retry_backoff_ms = setting(
        "add.partitions.to.txn.retry.backoff.ms",
        20,
        kind=INT,
        at_least=1,
        doc="The pause before a concurrent transaction's partition is added again on its behalf.",
        **_LATER,
    )
    add_partitions_to_txn_retry_backoff_max_ms = setting(
        "add.partitions.to.txn.retry.backoff.max.ms",
        100,
        kind=INT,
        at_least=0,
        doc="How long that is tried before the client is told.",
        **_LATER,
    )
    transaction_abort_timed_out_transaction_cleanup_interval_ms = setting(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        10000,
        kind=INT,
        at_least=1,
        doc="How often transactions that took too long are searched for and aborted.",
        **_LATER,
    )
    transaction_remove_expired_transaction_cleanup_interval_ms = setting(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        3600000,
        kind=INT,
        at_least=1,
        doc="How often expired transactional ids are searched for.",
        **_LATER,
    )
    transaction_state_log_num_partitions = setting(
        "transaction.state.log.num.partitions",
        50,
        kind=INT,
        at_least=1,
        hostile=(1, 3),
        doc="Partitions of __transaction_state, fixed when that topic is created.",
    )
    transaction_state_log_replication_factor = setting(
        "transaction.state.log.replication.factor",
        3,
        kind=SHORT,
        at_least=1,
        doc="Replicas of __transaction_state; it is not created before there are so many brokers.",
    )
    transaction_state_log_min_isr = setting(
        "transaction.state.log.min.isr",
        2,
        kind=INT,
        at_least=1,
        doc="min.insync.replicas of __transaction_state.",
    )
    transaction_state_log_segment_bytes = setting(
        "transaction.state.log.segment.bytes",
        104857600,
        kind=INT,
        at_least=1,
        doc="Segment size of __transaction_state.",
    )
