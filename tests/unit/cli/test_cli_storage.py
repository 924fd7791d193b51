"""`minikafka storage`: the files and messages of Kafka's kafka-storage."""

import json
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from minikafka.broker.storage import prepare_storage, read_bootstrap
from minikafka.cli.main import main
from minikafka.log.checkpoints import MetaProperties, parse_uuid
from minikafka.raft.snapshots import Snapshot
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.properties import parse_properties

CLUSTER = "4L6g3nShT-eMCtK--X86sw"
STATIC = {"controller.quorum.voters": "1@127.0.0.1:19093"}
DYNAMIC = {"controller.quorum.bootstrap.servers": "127.0.0.1:19093"}
DIRECTORY = "JEXY6aqzQY-32P5TStzaFg"
ELR = "eligible.leader.replicas.version"
OLD = ["--release-version", "3.9-IV0"]
OTHERS = f"1@h1:19093:{DIRECTORY},2@h2:19094:MvDxzVmcRsaTz33bUuRU6A"


class Node:
    """A server.properties and the tool run on it."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.paths = [directory / "a", directory / "b"]
        self.file = directory / "server.properties"
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "listeners": "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": ",".join(map(str, self.paths)),
            **settings,
        }
        self.file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))

    def format(self, *words: str, cluster: str = CLUSTER) -> int:
        return main(["storage", "format", "-c", str(self.file), "-t", cluster, *words])

    def info(self, *words: str) -> int:
        return main(["storage", "info", "-c", str(self.file), *words])

    def meta(self, number: int = 0) -> MetaProperties:
        return MetaProperties.decode((self.paths[number] / "meta.properties").read_bytes())

    def levels(self) -> dict[str, int]:
        records = read_bootstrap(LocalDisk(), str(self.paths[0]))
        return {record.name: record.feature_level for record in records}  # type: ignore[union-attr]

    def voters(self) -> Snapshot | None:
        name = "00000000000000000000-0000000000.checkpoint"
        path = self.paths[0] / "__cluster_metadata-0" / name
        return Snapshot.decode(path.read_bytes()) if path.exists() else None


def test_a_static_voter(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    node = Node(tmp_path, STATIC)
    assert node.info() == 1
    assert f"  {node.paths[0]} does not exist\n" in capfd.readouterr().out
    assert node.format() == 0
    printed = capfd.readouterr().out
    assert (
        f"Formatting metadata directory {node.paths[0]} with metadata.version 4.3-IV0." in printed
    )
    assert f"Formatting data directory {node.paths[1]} with metadata.version 4.3-IV0." in printed
    metas = [node.meta(0), node.meta(1)]
    assert [(meta.node_id, meta.cluster_id) for meta in metas] == [(1, CLUSTER)] * 2
    assert metas[0].directory_id != metas[1].directory_id
    assert node.levels()["metadata.version"] == 30
    assert node.voters() is None
    assert node.info() == 0
    assert f"Found metadata: {{cluster.id={CLUSTER}, directory.id=" in capfd.readouterr().out


def test_what_is_formatted_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    node = Node(tmp_path, STATIC)
    assert node.format() == 0
    before = node.meta().directory_id
    assert node.format() == 1
    assert "is already formatted. Use --ignore-formatted" in capfd.readouterr().err
    assert node.format("--ignore-formatted") == 0
    assert capfd.readouterr().out == "All of the log directories are already formatted.\n"
    assert node.format("-g", cluster="5L6g3nShT-eMCtK--X86sw") == 1
    assert "Invalid cluster.id in" in capfd.readouterr().err
    assert node.meta().directory_id == before
    (node.paths[1] / "meta.properties").unlink()
    assert node.format("-g") == 0
    assert node.meta().directory_id == before
    assert node.meta(1).cluster_id == CLUSTER


def test_the_broker_starts_on_it(tmp_path: Path) -> None:
    node = Node(tmp_path, DYNAMIC)
    assert node.format("--standalone") == 0
    settings = BrokerSettings.parse(parse_properties(node.file.read_text()))
    storage = prepare_storage(settings, LocalDisk(), Random(1), wall_ms=0)
    assert storage.cluster_id == CLUSTER
    assert storage.metadata_directory_id == node.meta().directory_id


def test_dynamic_voters(tmp_path: Path) -> None:
    node = Node(tmp_path, DYNAMIC)
    assert node.format("--standalone") == 0
    found = node.voters()
    assert found is not None
    assert found.voters is not None
    assert [(each.node_id, each.directory_id) for each in found.voters] == [
        (1, node.meta().directory_id)
    ]


def test_several_dynamic_voters(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    node = Node(tmp_path, DYNAMIC)
    assert node.format("--initial-controllers", OTHERS) == 0
    assert "Formatting dynamic metadata voter directory" in capfd.readouterr().out
    assert node.meta().directory_id == parse_uuid(DIRECTORY)
    found = node.voters()
    assert found is not None
    assert found.voters is not None
    assert [(each.node_id, each.endpoints) for each in found.voters] == [
        (1, (("CONTROLLER", "h1", 19093),)),
        (2, (("CONTROLLER", "h2", 19094),)),
    ]


def test_voters_that_others_know(tmp_path: Path) -> None:
    node = Node(tmp_path, DYNAMIC)
    assert node.format("--no-initial-controllers") == 0
    assert node.voters() is None


def test_several_static_voters_and_a_broker_alone(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    voters = "1@127.0.0.1:19093,2@127.0.0.1:19193"
    assert Node(tmp_path / "m", {"controller.quorum.voters": voters}).format() == 0
    (tmp_path / "b").mkdir()
    alone = {**DYNAMIC, "process.roles": "broker", "listeners": "PLAINTEXT://127.0.0.1:19092"}
    broker = Node(tmp_path / "b", alone)
    assert broker.format("--standalone") == 1
    assert broker.format() == 0


@pytest.mark.parametrize(
    ("words", "levels"),
    [
        ([], {"metadata.version": 30, ELR: 1}),
        (["--release-version", "4.0-IV3"], {"metadata.version": 25}),
        (["--feature", "metadata.version=9"], {"metadata.version": 9}),
        (
            ["--feature", "metadata.version=23", "--feature", f"{ELR}=1"],
            {"metadata.version": 23, ELR: 1},
        ),
        (["--feature", f"{ELR}=0"], {"metadata.version": 30}),
    ],
)
def test_the_first_levels_follow_the_release(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: list[str], levels: dict[str, int]
) -> None:
    assert Node(tmp_path, STATIC).format(*words) == 0
    shown = ", ".join(f"{name}={level}" for name, level in levels.items())
    assert f"Bootstrap metadata: {shown}\n" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("settings", "words", "complaint"),
    [
        (DYNAMIC, [], "you must specify one of the following"),
        (STATIC, ["--standalone"], "You cannot specify controller.quorum.voters"),
        (STATIC, ["--initial-controllers", OTHERS], "You cannot specify controller.quorum.voters"),
        (STATIC, ["--release-version", "9.9"], "Unknown metadata.version '9.9'."),
        (STATIC, ["--feature", "nonsense=1"], "Unsupported feature: nonsense."),
        (STATIC, ["--feature", "transaction.version=9"], "supports 0 to 2"),
        (STATIC, ["--feature", "kraft.version=1"], "kraft.version 1 does not fit"),
        (STATIC, [*OLD, "--feature", f"{ELR}=1"], f"{ELR} needs metadata.version 23"),
    ],
)
def test_what_does_not_fit_changes_nothing(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    settings: dict[str, str],
    words: list[str],
    complaint: str,
) -> None:
    node = Node(tmp_path, settings)
    assert node.format(*words) == 1
    assert complaint in capfd.readouterr().err
    assert not any(path.exists() for path in node.paths)


@pytest.mark.parametrize("words", [["--add-scram", "x"], ["--initial-controllers", "1@h:1:short"]])
def test_what_is_not_supported_or_malformed(tmp_path: Path, words: list[str]) -> None:
    assert Node(tmp_path, DYNAMIC).format(*words) == 2


def test_the_first_levels(tmp_path: Path) -> None:
    node = Node(tmp_path, STATIC)
    assert node.format("-r", "4.0-IV0", "-f", "transaction.version=1") == 0
    assert node.levels() == {"metadata.version": 22, "transaction.version": 1}


def test_info_as_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    node = Node(tmp_path, STATIC)
    assert node.format() == 0
    capfd.readouterr()
    (node.paths[1] / "meta.properties").unlink()
    assert node.info("--json") == 1
    found = json.loads(capfd.readouterr().out)
    assert found["metadata"]["cluster.id"] == CLUSTER
    assert found["problems"] == [f"{node.paths[1]} is not formatted."]


def test_random_ids(capfd: pytest.CaptureFixture[str]) -> None:
    ids = set()
    for _ in range(5):
        assert main(["storage", "random-uuid"]) == 0
        ids.add(parse_uuid(capfd.readouterr().out.strip()))
    assert len(ids) == 5
    assert all(each != UUID(int=0) for each in ids)
