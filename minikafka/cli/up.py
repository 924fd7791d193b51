"""`minikafka up`: a cluster on this machine, each broker a process of its own.

What it lays out in the data directory is what an operator would: for each broker an own
`broker-<id>.properties`, log directory `broker-<id>` and output `broker-<id>.log`, so that any of
them can also be started alone with `minikafka-broker`.
"""

from __future__ import annotations

import socket
import sys
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from minikafka.broker.storage import FirstMetadata, StorageError, format_directory
from minikafka.cli.exits import ToolError, UsageError
from minikafka.cli.supervisor import Supervised, Supervisor
from minikafka.controller.features import bootstrap_feature_records
from minikafka.log.checkpoints import MetaProperties, uuid_text
from minikafka.log.directory import LogDirectory
from minikafka.log.errors import LogDirectoryError
from minikafka.runtime.clock import WallClock
from minikafka.runtime.entropy import random_source, random_uuid
from minikafka.runtime.local_disk import LocalDisk

HOST: Final = "127.0.0.1"
DATA_DIRECTORY: Final = "cluster"
_CONTROLLERS_ABOVE: Final = 1000
_PORTS: Final = (12_000, 32_000)
_VOTERS_MAX: Final = 3
_REPLICAS_MAX: Final = 3

_DEV: Final = {
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.num.partitions": "1",
}


class Planned(NamedTuple):
    """One broker: its id, and where its clients and the quorum reach it."""

    node_id: int
    port: int
    controller_port: int


def run(options: Namespace) -> int:
    """Start the brokers, look after them, and stop them on a signal."""
    if options.brokers < 1:
        raise UsageError(f"--brokers wants a number from 1 up, not {options.brokers}")
    with ExitStack() as until_the_end:
        directory = options.data or DATA_DIRECTORY
        if options.dev and options.data is None:
            directory = until_the_end.enter_context(TemporaryDirectory(prefix="minikafka-"))
        place = Path(directory).absolute()
        brokers = plan(options.brokers, options.port)
        lay_out(place, brokers, shared_settings(brokers, options))
        return Supervisor([_command(place, broker) for broker in brokers], str(place)).run()


def plan(count: int, port: int) -> list[Planned]:
    """Ids from 1; ports in a row from `port` on, or whatever is free for 0."""
    if port == 0:
        free = _free_ports(2 * count)
        return [Planned(n + 1, free[n], free[count + n]) for n in range(count)]
    if not 0 < port <= 65_535 - _CONTROLLERS_ABOVE - count:
        raise UsageError(f"--port {port}: from 1 to {65_535 - _CONTROLLERS_ABOVE - count}")
    return [Planned(n + 1, port + n, port + _CONTROLLERS_ABOVE + n) for n in range(count)]


def _free_ports(count: int) -> list[int]:
    """Not those that the kernel takes for connections: a broker that starts again finds its own."""
    random = random_source()
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(*_PORTS)
            listening = held.enter_context(socket.socket())
            try:
                listening.bind((HOST, port))
            except OSError:
                continue
            ports.append(port)
        return ports


def voters_count(brokers: int) -> int:
    """Three controllers survive the loss of one; two would survive less than one does."""
    return _VOTERS_MAX if brokers >= _VOTERS_MAX else 1


def shared_settings(brokers: list[Planned], options: Namespace) -> dict[str, str]:
    """What all brokers are told alike; `--override` has the last word."""
    replicas = min(len(brokers), _REPLICAS_MAX)
    in_sync = "2" if replicas == _REPLICAS_MAX else "1"
    voters = brokers[: voters_count(len(brokers))]
    settings = {
        "controller.quorum.voters": ",".join(
            f"{each.node_id}@{HOST}:{each.controller_port}" for each in voters
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": in_sync,
    }
    if options.dev:
        settings |= _DEV
    for word in options.overrides:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"--override wants KEY=VALUE, not {word}")
        settings[key.strip()] = value.strip()
    return settings


def lay_out(directory: Path, brokers: list[Planned], shared: dict[str, str]) -> None:
    """Write the settings of each broker and format the log directories that are new."""
    directory.mkdir(parents=True, exist_ok=True)
    disk, random = LocalDisk(), random_source()
    try:
        found = _formatted(disk, directory)
        _check_voters(directory, found, len(brokers))
        ids = {meta.cluster_id for meta in found.values()}
        if len(ids) > 1:
            raise ToolError(f"{directory} holds brokers of several clusters: {sorted(ids)}")
        cluster_id = ids.pop() if ids else uuid_text(random_uuid(random))
        first = FirstMetadata(list(bootstrap_feature_records()), None, WallClock().now_ms())
        for broker in brokers:
            data = _data_of(directory, broker.node_id)
            is_voter = broker.node_id <= voters_count(len(brokers))
            own = _own_settings(broker, data, is_voter=is_voter)
            text = "".join(f"{key}={value}\n" for key, value in (own | shared).items())
            _properties_of(directory, broker.node_id).write_text(text)
            if broker.node_id not in found:
                meta = MetaProperties(broker.node_id, cluster_id, random_uuid(random))
                format_directory(disk, str(data), meta, first)
    except (StorageError, LogDirectoryError) as error:
        raise ToolError(str(error)) from error
    finally:
        disk.close()


def _formatted(disk: LocalDisk, directory: Path) -> dict[int, MetaProperties]:
    """Whose log directories are there already, by node id."""
    found = {}
    for path in directory.glob("broker-*/meta.properties"):
        meta = LogDirectory.read_meta(disk, str(path.parent))
        assert meta is not None, "the file is there"
        found[meta.node_id] = meta
    return found


def _check_voters(directory: Path, found: dict[int, MetaProperties], count: int) -> None:
    """The voters of a static quorum are for life: another majority could know nothing."""
    if not found:
        return
    had, has = voters_count(max(found)), voters_count(count)
    if had != has:
        raise ToolError(
            f"{directory} holds a cluster of {max(found)} with voters 1 to {had}; with --brokers "
            f"{count} they would be 1 to {has}"
        )


def _data_of(directory: Path, node_id: int) -> Path:
    return directory / f"broker-{node_id}"


def _properties_of(directory: Path, node_id: int) -> Path:
    return directory / f"broker-{node_id}.properties"


def _own_settings(broker: Planned, data: Path, *, is_voter: bool) -> dict[str, str]:
    listeners = f"PLAINTEXT://{HOST}:{broker.port}"
    if is_voter:
        listeners += f",CONTROLLER://{HOST}:{broker.controller_port}"
    return {
        "process.roles": "broker,controller" if is_voter else "broker",
        "node.id": str(broker.node_id),
        "listeners": listeners,
        "advertised.listeners": f"PLAINTEXT://{HOST}:{broker.port}",
        "log.dirs": str(data),
    }


def _command(directory: Path, broker: Planned) -> Supervised:
    properties = _properties_of(directory, broker.node_id)
    words = [sys.executable, "-m", "minikafka.broker.main", str(properties), "--banner"]
    output = directory / f"broker-{broker.node_id}.log"
    return Supervised(broker.node_id, f"{HOST}:{broker.port}", words, str(output))
