"""The metadata quorum: its voters, the timing of elections, its log (KIP-595, 630, 853)."""

from typing import Final, NamedTuple

from minikafka.settings.declare import Declared, setting
from minikafka.settings.kinds import BOOLEAN, INT, LIST, LIST_TYPE, LONG, Kind, parse_list
from minikafka.settings.listeners import parse_host_and_port


class Voter(NamedTuple):
    """One member of a static quorum."""

    id: int
    host: str
    port: int


def parse_voters(text: str) -> tuple[Voter, ...]:
    """`id@host:port,…`"""
    voters = []
    for word in parse_list(text):
        voter_id, at, rest = word.partition("@")
        endpoint = parse_host_and_port(rest) if at else None
        if endpoint is None or not endpoint[0] or not voter_id.isdecimal():
            raise ValueError("Each entry should be in the form `{id}@{host}:{port}`.")
        voters.append(Voter(int(voter_id), *endpoint))
    return tuple(voters)


def voters_text(voters: tuple[Voter, ...]) -> str:
    """The comma-joined form of a file."""
    return ",".join(f"{voter.id}@{voter.host}:{voter.port}" for voter in voters)


VOTERS: Final = Kind[tuple[Voter, ...]]("list", LIST_TYPE, parse_voters, voters_text)


class QuorumSettings(Declared):
    """The quorum of controllers and its log."""

    controller_quorum_voters = setting(
        "controller.quorum.voters",
        (),
        kind=VOTERS,
        doc="The controllers of a static quorum, id@host:port each; the same on every node.",
    )
    controller_quorum_bootstrap_servers = setting(
        "controller.quorum.bootstrap.servers",
        (),
        kind=LIST,
        doc="host:port of controllers from which a node of a dynamic quorum learns who votes.",
    )
    controller_quorum_auto_join_enable = setting(
        "controller.quorum.auto.join.enable",
        False,
        kind=BOOLEAN,
        doc="A controller of a dynamic quorum adds itself to the voters, in the place of its "
        "former directory if it has lost that (KIP-1186).",
    )
    controller_quorum_election_timeout_ms = setting(
        "controller.quorum.election.timeout.ms",
        1000,
        kind=INT,
        at_least=0,
        hostile=(50, 200, 1000),
        doc="How long a candidate waits for votes before it tries again.",
    )
    controller_quorum_election_backoff_max_ms = setting(
        "controller.quorum.election.backoff.max.ms",
        1000,
        kind=INT,
        at_least=0,
        hostile=(0, 100, 1000),
        doc="The longest random pause after a lost election, so that candidates do not collide.",
    )
    controller_quorum_fetch_timeout_ms = setting(
        "controller.quorum.fetch.timeout.ms",
        2000,
        kind=INT,
        at_least=0,
        hostile=(100, 500, 2000),
        doc="A voter that could not fetch from the leader for this long stands for election; a "
        "leader from which no majority fetched for this long resigns.",
    )
    controller_quorum_request_timeout_ms = setting(
        "controller.quorum.request.timeout.ms",
        2000,
        kind=INT,
        at_least=0,
        hostile=(100, 2000),
        doc="How long a request between controllers may take.",
    )
    controller_quorum_retry_backoff_ms = setting(
        "controller.quorum.retry.backoff.ms",
        20,
        kind=INT,
        at_least=0,
        hostile=(0, 20, 200),
        doc="The pause before a failed request between controllers is sent again.",
    )
    controller_quorum_append_linger_ms = setting(
        "controller.quorum.append.linger.ms",
        25,
        kind=INT,
        at_least=0,
        acted_upon=False,
        doc="How long the leader gathers records before it writes them to the metadata log. Here "
        "it writes at once: what comes while the disk is busy shares the next fsync.",
    )
    controller_quorum_fetch_max_bytes = setting(
        "controller.quorum.fetch.max.bytes",
        1048576,
        kind=INT,
        at_least=1,
        hostile=(1, 200, 1048576),
        doc="The most that one fetch of the metadata log returns.",
    )
    controller_quorum_fetch_snapshot_max_bytes = setting(
        "controller.quorum.fetch.snapshot.max.bytes",
        1048576,
        kind=INT,
        at_least=1,
        hostile=(50, 1000, 1048576),
        doc="The most that one fetch of a metadata snapshot returns.",
    )
    controller_socket_timeout_ms = setting(
        "controller.socket.timeout.ms",
        30000,
        kind=INT,
        doc="How long a request from a broker to the controller may take.",
    )
    metadata_log_segment_bytes = setting(
        "metadata.log.segment.bytes",
        1073741824,
        kind=INT,
        at_least=8388608,
        doc="The size at which a segment of the metadata log is rolled.",
    )
    metadata_log_segment_ms = setting(
        "metadata.log.segment.ms",
        604800000,
        kind=LONG,
        doc="The age at which a segment of the metadata log is rolled.",
    )
    metadata_log_max_record_bytes_between_snapshots = setting(
        "metadata.log.max.record.bytes.between.snapshots",
        20971520,
        kind=LONG,
        at_least=1,
        hostile=(1000, 20971520),
        doc="So many bytes of new metadata records make a new snapshot.",
    )
    metadata_log_max_snapshot_interval_ms = setting(
        "metadata.log.max.snapshot.interval.ms",
        3600000,
        kind=LONG,
        at_least=0,
        doc="The longest time between two snapshots of changed metadata. 0: only by size.",
    )
    metadata_max_retention_bytes = setting(
        "metadata.max.retention.bytes",
        104857600,
        kind=LONG,
        doc="Metadata log and snapshots together may take so much before the oldest are deleted.",
    )
    metadata_max_retention_ms = setting(
        "metadata.max.retention.ms",
        604800000,
        kind=LONG,
        doc="How long metadata segments and snapshots are kept once a newer snapshot covers them.",
    )
    metadata_max_idle_interval_ms = setting(
        "metadata.max.idle.interval.ms",
        500,
        kind=INT,
        at_least=0,
        doc="The active controller appends an empty record after so much silence, so that all "
        "nodes can see that it lives. 0: never.",
    )
