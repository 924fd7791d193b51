"""Replicas: how followers fetch, when they fall out of sync, what a consumer's fetch may take."""

from minikafka.settings.declare import Declared, optional, setting
from minikafka.settings.kinds import BOOLEAN, INT, LONG, LONG_MAX, STRING

RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"


def _selector_reason(name: str) -> str | None:
    """There are no plug-ins here."""
    return None if name == RACK_AWARE else f"Class {name} could not be found."


class ReplicationSettings(Declared):
    """Fetching and replication."""

    min_insync_replicas = setting(
        "min.insync.replicas",
        1,
        kind=INT,
        at_least=1,
        dynamic="cluster-wide",
        hostile=(1, 2),
        doc="So many replicas must be in sync for a produce with acks=all to be accepted.",
    )
    unclean_leader_election_enable = setting(
        "unclean.leader.election.enable",
        False,
        kind=BOOLEAN,
        dynamic="cluster-wide",
        doc="A replica that is not in sync may lead when no other is left, at the price of data.",
    )
    replica_lag_time_max_ms = setting(
        "replica.lag.time.max.ms",
        30000,
        kind=LONG,
        hostile=(200, 2000, 30000),
        doc="A follower that has not caught up for this long falls out of the ISR.",
    )
    replica_fetch_max_bytes = setting(
        "replica.fetch.max.bytes",
        1048576,
        kind=INT,
        at_least=0,
        hostile=(1, 1000, 1048576),
        doc="What a follower asks for per partition. A larger first batch comes all the same.",
    )
    replica_fetch_min_bytes = setting(
        "replica.fetch.min.bytes",
        1,
        kind=INT,
        doc="The leader waits until it has so much for the follower.",
    )
    replica_fetch_response_max_bytes = setting(
        "replica.fetch.response.max.bytes",
        10485760,
        kind=INT,
        at_least=0,
        hostile=(1, 10000, 10485760),
        doc="What a follower asks for in one fetch altogether.",
    )
    replica_fetch_wait_max_ms = setting(
        "replica.fetch.wait.max.ms",
        500,
        kind=INT,
        hostile=(1, 100, 500),
        doc="How long the leader may wait for the minimum.",
    )
    replica_fetch_backoff_ms = setting(
        "replica.fetch.backoff.ms",
        1000,
        kind=INT,
        at_least=0,
        hostile=(10, 200, 1000),
        doc="How long a follower pauses a partition, or its leader, after errors in a row.",
    )
    replica_socket_timeout_ms = setting(
        "replica.socket.timeout.ms",
        30000,
        kind=INT,
        doc="How long a follower's request may take.",
    )
    replica_socket_receive_buffer_bytes = setting(
        "replica.socket.receive.buffer.bytes",
        65536,
        kind=INT,
        acted_upon=False,
        doc="SO_RCVBUF of a follower's connection to its leader.",
    )
    num_replica_fetchers = setting(
        "num.replica.fetchers",
        1,
        kind=INT,
        at_least=1,
        dynamic="cluster-wide",
        doc="Connections by which this broker fetches from each other broker.",
    )
    leader_replication_throttled_rate = setting(
        "leader.replication.throttled.rate",
        LONG_MAX,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        internal=True,
        doc="Bytes per second that leaders send to throttled replicas.",
    )
    follower_replication_throttled_rate = setting(
        "follower.replication.throttled.rate",
        LONG_MAX,
        kind=LONG,
        at_least=0,
        dynamic="cluster-wide",
        internal=True,
        doc="Bytes per second that followers fetch for throttled replicas.",
    )
    replication_quota_window_num = setting(
        "replication.quota.window.num",
        11,
        kind=INT,
        at_least=1,
        doc="Samples from which the rate of throttled replication is computed.",
    )
    replication_quota_window_size_seconds = setting(
        "replication.quota.window.size.seconds",
        1,
        kind=INT,
        at_least=1,
        doc="The time that such a sample covers.",
    )
    replica_high_watermark_checkpoint_interval_ms = setting(
        "replica.high.watermark.checkpoint.interval.ms",
        5000,
        kind=LONG,
        doc="How often the high watermarks are written to disk.",
    )
    replica_selector_class = optional(
        "replica.selector.class",
        kind=STRING,
        check=_selector_reason,
        doc="How the replica is chosen from which a consumer with a rack reads (KIP-392): the "
        f"leader where it is unset, or {RACK_AWARE}.",
    )
    fetch_max_bytes = setting(
        "fetch.max.bytes",
        57671680,
        kind=INT,
        at_least=1024,
        hostile=(1024, 57671680),
        doc="The most that one fetch returns, whatever the client asks for.",
    )
    max_incremental_fetch_session_cache_slots = setting(
        "max.incremental.fetch.session.cache.slots",
        1000,
        kind=INT,
        at_least=0,
        hostile=(0, 2, 1000),
        doc="Incremental fetch sessions that are kept at a time (KIP-227).",
    )
