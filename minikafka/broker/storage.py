"""Whose disk is this: the check of `log.dirs` before anything is started on them.

A directory is ours when its meta.properties name this node and the cluster of the others. An
empty one is formatted here, a step that Kafka leaves to its user (`kafka-storage format`): a sole
voter invents the cluster id unless it is given, others must be told (`cluster_id`). What is written
is what Kafka's tool writes:

    bootstrap.checkpoint                       the first metadata records of the cluster (features)
    __cluster_metadata-0/000…-000….checkpoint  the voters, if they are to be dynamic (KIP-853)
    meta.properties                            node, cluster and directory id; written last

A directory that Kafka formatted or has worked in is taken as it is.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from minikafka.controller.features import bootstrap_feature_records
from minikafka.log.checkpoints import MetaProperties, uuid_text
from minikafka.log.directory import LogDirectory
from minikafka.log.errors import LogDirectoryError
from minikafka.metadata.topic_names import METADATA_TOPIC
from minikafka.protocol.errors import ProtocolError
from minikafka.protocol.metadata_records import decode_record, encode_record
from minikafka.raft.snapshots import BOOTSTRAP_FILE, Snapshot, snapshot_name
from minikafka.raft.voters import Voter, VoterSet
from minikafka.runtime.entropy import random_uuid
from minikafka.settings.listeners import parse_host_and_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random
    from uuid import UUID

    from minikafka.metadata.replay import MetadataRecord
    from minikafka.runtime.disk import Disk
    from minikafka.settings.broker import BrokerSettings

_LOG = logging.getLogger("minikafka.storage")

METADATA_LOG = f"{METADATA_TOPIC}-0"
_LOCK = ".lock"
DYNAMIC_KRAFT_VERSION = 1


class StorageError(Exception):
    """The node must not start on these directories; the text says why and what to do."""


class FirstMetadata:
    """What a metadata log begins with: `records`, and `voters` unless they are configured."""

    __slots__ = ("records", "voters", "wall_ms")

    def __init__(
        self, records: Sequence[MetadataRecord], voters: VoterSet | None, wall_ms: int
    ) -> None:
        self.records = records
        self.voters = voters
        self.wall_ms = wall_ms


class Storage:
    """Formatted directories of one node: `directory_ids` by path, in the order of `log.dirs`;
    those that cannot be read are left out.

    `metadata_directory` holds the metadata log and may be a directory of its own.
    """

    __slots__ = ("cluster_id", "directory_ids", "metadata_directory", "metadata_directory_id")

    def __init__(
        self,
        cluster_id: str,
        directory_ids: dict[str, UUID],
        metadata_directory: str,
        metadata_directory_id: UUID,
    ) -> None:
        self.cluster_id = cluster_id
        self.directory_ids = directory_ids
        self.metadata_directory = metadata_directory
        self.metadata_directory_id = metadata_directory_id

    @property
    def metadata_log(self) -> str:
        """The directory of `__cluster_metadata-0`."""
        return f"{self.metadata_directory}/{METADATA_LOG}"


def prepare_storage(
    settings: BrokerSettings,
    disk: Disk,
    random: Random,
    *,
    wall_ms: int,
    cluster_id: str | None = None,
) -> Storage:
    """Check the directories of this node and format those that are empty.

    `cluster_id` is the one that the user gave. One that cannot be read is left out, which makes it
    offline, unless it is the metadata log's. Blocks on the disk: for the start only. StorageError
    for directories of another node or cluster, or that contradict each other; OSError.
    """
    metadata_directory = settings.metadata_log_dir or settings.log_dirs[0]
    found: dict[str, MetaProperties | None] = {}
    for path in dict.fromkeys((*settings.log_dirs, metadata_directory)):
        try:
            found[path] = _read_meta(disk, path)
        except OSError as error:
            if path == metadata_directory:
                raise
            _LOG.error("log directory %s is offline: %s", path, error)
    paths = list(found)
    if not found.keys() & set(settings.log_dirs):
        raise StorageError("none of the log directories can be read")
    cluster_id = _agreed_cluster_id(settings.node_id, found, cluster_id)
    fresh = [path for path, meta in found.items() if meta is None]
    if fresh:
        if metadata_directory in fresh and len(fresh) < len(paths):
            raise StorageError(
                f"{metadata_directory}: the directory of the metadata log is empty, but other "
                "directories of this node are not; starting here would begin a new, empty cluster. "
                "Is it mounted?"
            )
        if cluster_id is None and not is_sole_voter(settings):
            raise StorageError(
                f"{settings.log_dirs[0]}: empty, and this node is not its quorum's only voter: "
                "which cluster is it for?"
            )
    cluster_id = cluster_id or uuid_text(random_uuid(random))
    metas = {}
    for path in paths:
        meta = found[path]
        if meta is None or meta.directory_id is None:
            meta = MetaProperties(settings.node_id, cluster_id, random_uuid(random))
            is_metadata = path == metadata_directory and found[path] is None
            first = _first_metadata(settings, _id_of(meta), wall_ms) if is_metadata else None
            format_directory(disk, path, meta, first)
        metas[path] = meta
    _require_metadata_log(disk, metadata_directory)
    ids = {path: _id_of(metas[path]) for path in paths}
    return Storage(
        cluster_id,
        {path: ids[path] for path in settings.log_dirs if path in ids},
        metadata_directory,
        ids[metadata_directory],
    )


def read_bootstrap(disk: Disk, metadata_directory: str) -> list[MetadataRecord]:
    """The first metadata records of the cluster, as formatting left them.

    Without the file they are those that this version would write.
    """
    path = f"{metadata_directory}/{BOOTSTRAP_FILE}"
    try:
        snapshot = Snapshot.decode(disk.read_bytes(path))
        return [decode_record(value)[0] for value in snapshot.values]
    except FileNotFoundError:
        return list(bootstrap_feature_records())
    except (ValueError, ProtocolError) as error:
        raise StorageError(f"{path}: {error}") from error


def _read_meta(disk: Disk, path: str) -> MetaProperties | None:
    try:
        return LogDirectory.read_meta(disk, path)
    except LogDirectoryError as error:
        raise StorageError(str(error)) from error


def _agreed_cluster_id(
    node_id: int, found: dict[str, MetaProperties | None], given: str | None
) -> str | None:
    """The cluster that all directories belong to, `given` if none is formatted."""
    agreed, said_by = given, "--cluster-id"
    for path, meta in found.items():
        if meta is None:
            continue
        if meta.node_id != node_id:
            raise StorageError(
                f"{path}: this directory belongs to node {meta.node_id}, and this is node "
                f"{node_id}. Give the node its own log.dirs, or the right node.id."
            )
        if agreed is not None and meta.cluster_id != agreed:
            raise StorageError(
                f"{path}: this directory belongs to cluster {meta.cluster_id}, but {said_by} says "
                f"{agreed}."
            )
        agreed, said_by = meta.cluster_id, path
    return agreed


def lacks_cluster_id(settings: BrokerSettings, disk: Disk) -> bool:
    """Whether somebody has to be asked for it before the storage can be prepared."""
    if is_sole_voter(settings):
        return False
    for path in dict.fromkeys((*settings.log_dirs, settings.metadata_log_dir or "")):
        try:
            if path and _read_meta(disk, path) is not None:
                return False
        except OSError:
            continue  # `prepare_storage` says what comes of it
    return True


def is_sole_voter(settings: BrokerSettings) -> bool:
    """Whether the settings name nobody else: whoever decides alone may begin a cluster."""
    if not settings.is_controller:
        return False
    voters = settings.controller_quorum_voters
    if voters:
        return [voter.id for voter in voters] == [settings.node_id]
    return all(map(_OwnAddress(settings).is_meant, settings.controller_quorum_bootstrap_servers))


class _OwnAddress:
    """How a file may name this node's own controller, as Kafka's sample file does."""

    def __init__(self, settings: BrokerSettings) -> None:
        own = settings.controller_listeners()
        names = {listener.name for listener in own}
        told = [each for each in settings.advertised_listeners if each.name in names]
        self._ports = {listener.port for listener in (*own, *told)}
        self._hosts = {listener.host for listener in (*own, *told)}
        self._hosts |= {"localhost", "127.0.0.1", "::1", socket.gethostname()}

    def is_meant(self, server: str) -> bool:
        """`host:port`"""
        address = parse_host_and_port(server)
        return address is not None and address[0] in self._hosts and address[1] in self._ports


def _first_metadata(
    settings: BrokerSettings, directory_id: UUID, wall_ms: int
) -> FirstMetadata | None:
    """For a controller: who only follows the quorum begins nothing."""
    if not settings.is_controller:
        return None
    voters = None
    if not settings.controller_quorum_voters and is_sole_voter(settings):
        voters = VoterSet([own_voter(settings, directory_id)])
    return FirstMetadata(bootstrap_feature_records(), voters, wall_ms)


def format_directory(
    disk: Disk, path: str, meta: MetaProperties, first: FirstMetadata | None = None
) -> None:
    """Write what an empty directory needs, `first` if a quorum may begin in it.

    StorageError when another process uses the directory; OSError.
    """
    disk.mkdir(path, parents=True)
    try:
        lock = disk.lock(f"{path}/{_LOCK}")
    except BlockingIOError:
        raise StorageError(f"{path}: another process is using this directory.") from None
    try:
        if first is not None:
            _write_metadata_files(disk, path, first)
        # Last: what has meta.properties has been formatted as a whole.
        LogDirectory.write_meta(disk, path, meta)
    finally:
        lock.release()
    _LOG.info("formatted %s for cluster %s", path, meta.cluster_id)


def _write_metadata_files(disk: Disk, path: str, first: FirstMetadata) -> None:
    bootstrap = Snapshot([encode_record(record, 0) for record in first.records])
    file = f"{path}/{BOOTSTRAP_FILE}"
    disk.replace_atomically_now(file, bootstrap.encode(epoch=0, wall_ms=first.wall_ms))
    if first.voters is None:
        return
    voters = Snapshot(
        [],
        last_contained_ms=first.wall_ms,
        kraft_version=DYNAMIC_KRAFT_VERSION,
        voters=first.voters,
    )
    log = f"{path}/{METADATA_LOG}"
    disk.mkdir(log, parents=True)
    file = f"{log}/{snapshot_name(0, 0)}"
    disk.replace_atomically_now(file, voters.encode(epoch=0, wall_ms=first.wall_ms))


def own_voter(settings: BrokerSettings, directory_id: UUID) -> Voter:
    """This node as the first dynamic voter, found by its controller listeners as advertised."""
    told = {listener.name: listener for listener in settings.advertised_listeners}
    listeners = [told.get(each.name, each) for each in settings.controller_listeners()]
    endpoints = [
        (listener.name, reachable_host(listener.host), max(listener.port, 0))
        for listener in listeners
    ]
    return Voter(settings.node_id, directory_id, endpoints, (0, DYNAMIC_KRAFT_VERSION))


def reachable_host(host: str) -> str:
    """What others are told to connect to: this machine's name where a listener has all of its
    addresses.
    """
    return socket.gethostname() if host in ("", "0.0.0.0", "::") else host


def _require_metadata_log(disk: Disk, metadata_directory: str) -> None:
    """Partitions without the metadata that names them would all be set aside as strays."""
    log = f"{metadata_directory}/{METADATA_LOG}"
    if disk.exists(log) and any(
        name.endswith((".log", ".checkpoint")) for name in disk.listdir(log)
    ):
        return
    partitions = [
        status.name
        for status in disk.scan(metadata_directory)
        if status.is_directory and status.name != METADATA_LOG and "-" in status.name
    ]
    if partitions:
        raise StorageError(
            f"{log}: the metadata log is missing, but there are partitions beside it "
            f"({_some(partitions)}). They would be lost to a new, empty cluster."
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _id_of(meta: MetaProperties) -> UUID:
    assert meta.directory_id is not None, "completed when it was missing"
    return meta.directory_id
