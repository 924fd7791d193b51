"""`minikafka storage`: format the directories of a node, as Kafka's kafka-storage does.

Both brokers start on what either tool has formatted. A node that decides alone needs none of this
here: minikafka formats empty directories itself when it starts.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Final
from uuid import UUID

from minikafka.broker.storage import (
    DYNAMIC_KRAFT_VERSION,
    FirstMetadata,
    StorageError,
    format_directory,
    own_voter,
)
from minikafka.cli.exits import FAILED, OK, ToolError, UsageError
from minikafka.cli.first_features import check_kraft_version, first_levels, release_name
from minikafka.cli.output import print_json
from minikafka.log.checkpoints import MetaProperties, parse_uuid, uuid_text
from minikafka.log.directory import LogDirectory
from minikafka.log.errors import LogDirectoryError
from minikafka.metadata.features import METADATA_VERSION
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord
from minikafka.raft.voters import Voter, VoterSet
from minikafka.runtime.clock import WallClock
from minikafka.runtime.entropy import random_source, random_uuid
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import SettingError
from minikafka.settings.listeners import parse_host_and_port
from minikafka.settings.properties import PropertiesError, load

_VOTERS_KNOWN: Final = (
    "You cannot specify controller.quorum.voters and format the node with --initial-controllers or "
    "--standalone. If you want to use dynamic quorum, please remove controller.quorum.voters and "
    "specify controller.quorum.bootstrap.servers instead."
)
_VOTERS_UNKNOWN: Final = (
    "Because controller.quorum.voters is not set on this controller, you must specify one of the "
    "following: --standalone, --initial-controllers, or --no-initial-controllers."
)


def run(options: Namespace) -> int:
    """Run the action."""
    if options.action == "random-uuid":
        sys.stdout.write(uuid_text(random_uuid(random_source())) + "\n")
        return OK
    settings = _settings(options.config)
    if options.action == "info":
        return _info(settings, as_json=options.json)
    try:
        return _format(settings, options)
    except (StorageError, LogDirectoryError) as error:
        raise ToolError(str(error)) from error


def _settings(path: str) -> BrokerSettings:
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # what Java takes every file for
    try:
        return BrokerSettings.parse(load(text).values)
    except (SettingError, PropertiesError) as error:
        raise ToolError(f"{path}: {error}") from error


def _directories(settings: BrokerSettings) -> tuple[str, list[str]]:
    """(that of the metadata log, all of them)."""
    metadata = settings.metadata_log_dir or settings.log_dirs[0]
    return metadata, list(dict.fromkeys((*settings.log_dirs, metadata)))


# --- format


def _format(settings: BrokerSettings, options: Namespace) -> int:
    if options.add_scram is not None:
        raise UsageError("--add-scram is not supported: create credentials on the running cluster")
    if not options.cluster_id.strip() or "\n" in options.cluster_id:
        raise UsageError("--cluster-id: an empty text names no cluster")
    levels = first_levels(options.release_version, options.features)
    dynamic = options.standalone or options.initial_controllers or options.no_initial_controllers
    _check_quorum(settings, options)
    check_kraft_version(levels, dynamic=bool(dynamic))
    disk = LocalDisk()
    try:
        return _format_directories(settings, options, levels, disk)
    finally:
        disk.close()


def _format_directories(
    settings: BrokerSettings, options: Namespace, levels: dict[str, int], disk: LocalDisk
) -> int:
    metadata_directory, paths = _directories(settings)
    fresh = [path for path in paths if not _is_formatted(settings, options, disk, path)]
    if not fresh:
        sys.stdout.write("All of the log directories are already formatted.\n")
        return OK
    release = release_name(levels[METADATA_VERSION])
    shown = ", ".join(f"{name}={level}" for name, level in levels.items())
    sys.stdout.write(f"Bootstrap metadata: {shown}\n")
    random, wall_ms = random_source(), WallClock().now_ms()
    records = [FeatureLevelRecord(name=name, feature_level=level) for name, level in levels.items()]
    for path in fresh:
        directory_id, voters = random_uuid(random), None
        what = "data directory"
        if path == metadata_directory:
            voters = _voters(settings, options, directory_id)
            what = "metadata directory" if voters is None else "dynamic metadata voter directory"
            directory_id = _own_directory(settings, voters) or directory_id
        sys.stdout.write(f"Formatting {what} {path} with metadata.version {release}.\n")
        meta = MetaProperties(settings.node_id, options.cluster_id, directory_id)
        format_directory(disk, path, meta, FirstMetadata(records, voters, wall_ms))
    return OK


def _is_formatted(settings: BrokerSettings, options: Namespace, disk: LocalDisk, path: str) -> bool:
    """Whether nothing is to be done; ToolError if that should not be, or it is another's."""
    meta = LogDirectory.read_meta(disk, path)
    if meta is None:
        return False
    for key, expected, found in (
        ("cluster.id", options.cluster_id, meta.cluster_id),
        ("node.id", settings.node_id, meta.node_id),
    ):
        if expected != found:
            raise ToolError(
                f"Invalid {key} in: {path}/meta.properties. Expected {expected}, but read {found}"
            )
    if not options.ignore_formatted:
        raise ToolError(
            f"Log directory {path} is already formatted. Use --ignore-formatted to ignore this "
            "directory and format the others."
        )
    return True


def _check_quorum(settings: BrokerSettings, options: Namespace) -> None:
    """How voters are found must fit the settings of this node."""
    if settings.controller_quorum_voters:
        if options.standalone or options.initial_controllers:
            raise ToolError(_VOTERS_KNOWN)
    elif not settings.is_controller:
        if options.standalone:
            raise ToolError("You can only use --standalone on a controller.")
    elif not (options.standalone or options.initial_controllers or options.no_initial_controllers):
        raise ToolError(_VOTERS_UNKNOWN)


def _voters(settings: BrokerSettings, options: Namespace, directory_id: UUID) -> VoterSet | None:
    """The first dynamic voters, if this node is told who they are."""
    if options.standalone:
        return VoterSet([own_voter(settings, directory_id)])
    if options.initial_controllers is None:
        return None
    listener = settings.controller_listener_names[0]
    return VoterSet(_voter(word, listener) for word in options.initial_controllers.split(","))


def _voter(word: str, listener: str) -> Voter:
    """`id@host:port:directory-id`."""
    node_id, at, rest = word.strip().partition("@")
    address, _, directory = rest.rpartition(":")
    endpoint = parse_host_and_port(address)
    if not at or not node_id.isdecimal() or endpoint is None:
        raise UsageError(f"--initial-controllers {word}: id@host:port:directory-id")
    try:
        directory_id = parse_uuid(directory)
    except ValueError as error:
        raise UsageError(f"--initial-controllers {word}: {error}") from None
    return Voter(int(node_id), directory_id, [(listener, *endpoint)], (0, DYNAMIC_KRAFT_VERSION))


def _own_directory(settings: BrokerSettings, voters: VoterSet | None) -> UUID | None:
    """The id that the other voters know this node's directory by."""
    for voter in voters or ():
        if voter.node_id == settings.node_id:
            return voter.directory_id
    return None


# --- info


def _info(settings: BrokerSettings, *, as_json: bool) -> int:
    _, paths = _directories(settings)
    found, problems, first = [], [], None
    disk = LocalDisk()
    for path in sorted(paths):
        if not Path(path).is_dir():
            there = Path(path).exists()
            problems.append(f"{path} {'is not a directory' if there else 'does not exist'}")
            continue
        found.append(path)
        try:
            meta = LogDirectory.read_meta(disk, path)
        except LogDirectoryError as error:
            problems.append(str(error))
            continue
        if meta is None:
            problems.append(f"{path} is not formatted.")
        elif first is None:
            first = meta
        elif (meta.cluster_id, meta.node_id) != (first.cluster_id, first.node_id):
            problems.append(
                f"{path} belongs to node {meta.node_id} of cluster {meta.cluster_id}, "
                f"{found[0]} to node {first.node_id} of cluster {first.cluster_id}."
            )
    disk.close()
    values = None if first is None else _values(first)
    if as_json:
        print_json({"directories": found, "metadata": values, "problems": problems})
        return FAILED if problems else OK
    _print_list("Found log director", ("y", "ies"), found)
    if values is not None:
        shown = ", ".join(f"{key}={value}" for key, value in values.items())
        sys.stdout.write(f"Found metadata: {{{shown}}}\n\n")
    _print_list("Found problem", ("", "s"), problems)
    return FAILED if problems else OK


def _values(meta: MetaProperties) -> dict[str, str | int]:
    values: dict[str, str | int] = {"cluster.id": meta.cluster_id}
    if meta.directory_id is not None:
        values["directory.id"] = uuid_text(meta.directory_id)
    return values | {"node.id": meta.node_id, "version": 1}


def _print_list(title: str, endings: tuple[str, str], lines: list[str]) -> None:
    if lines:
        ending = endings[len(lines) > 1]
        sys.stdout.write(f"{title}{ending}:\n" + "".join(f"  {line}\n" for line in lines) + "\n")
