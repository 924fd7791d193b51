"""`minikafka dump-log` beside the texts that Kafka's own tool printed of the same directories."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from minikafka.cli.main import main

GOLDEN = Path(__file__).parents[3] / "shared" / "kafka" / "golden-logs"
DATA = GOLDEN / "data"

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="needs ../shared/kafka/golden-logs")

DECODERS = {
    "__consumer_offsets": "--offsets-decoder",
    "__transaction_state": "--transaction-log-decoder",
    "__cluster_metadata": "--cluster-metadata-decoder",
    "__share_group_state": "--share-group-state-decoder",
}
DUMPS = sorted(path.name for path in GOLDEN.glob("dump/*.txt"))


Dump = Callable[..., str]


@pytest.fixture
def dump(capfd: pytest.CaptureFixture[str]) -> Dump:
    """What the tool prints, on stdout and then on stderr, with the paths of the golden texts."""

    def run(*words: str) -> str:
        code = main(["dump-log", *words])
        printed, complaints = capfd.readouterr()
        assert code == 0, complaints
        return (printed + complaints).replace(str(DATA), "")

    return run


def files(partition: str, *suffixes: str) -> str:
    found = [path for path in sorted((DATA / partition).iterdir()) if path.suffix in suffixes]
    return ",".join(map(str, sorted(found, key=lambda path: path.name)))


@pytest.mark.parametrize("name", DUMPS)
def test_the_dump_is_that_of_kafka(name: str, dump: Dump) -> None:
    partition, kind, _ = name.rsplit(".", 2)
    if kind == "decoded":
        decoder = DECODERS[partition.rsplit("-", 1)[0]]
        found = dump(decoder, "--files", files(partition, ".log"))
    else:
        found = dump("--deep-iteration", "--print-data-log", "--files", files(partition, ".log"))
        if checkpoints := files(partition, ".checkpoint"):
            found += dump("--cluster-metadata-decoder", "--files", checkpoints)
        beside = files(partition, ".index", ".timeindex", ".txnindex", ".snapshot")
        found += dump("--index-sanity-check", "--files", beside) + dump("--files", beside)
    golden = (GOLDEN / "dump" / name).read_bytes().decode()
    expected = [line for line in golden.splitlines() if not line.startswith("SLF4J: ")]
    assert found.splitlines() == expected


def test_json_says_the_same_of_every_record(dump: Dump) -> None:
    said = [json.loads(line) for line in (GOLDEN / "batches.jsonl").read_text().splitlines()]
    assert said
    expected = {}
    for batch in said:
        path = DATA / batch["file"]
        records = [record["offset"] for record in batch["records"]]
        expected.setdefault(str(path), []).extend([(batch["position"], batch["crc"]), *records])
    for path, wanted in expected.items():
        lines = dump("--json", "--deep-iteration", path).splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        found = [
            (entry["position"], entry["crc"]) if entry["kind"] == "batch" else entry["offset"]
            for entry in entries
            if entry["kind"] in ("batch", "record")
        ]
        assert found == wanted


def test_verifying_prints_no_entries(dump: Dump) -> None:
    paths = files("g-segments-0", ".index", ".timeindex")
    lines = dump("--verify-index-only", "--files", paths).splitlines()
    assert lines == [f"Dumping {path.removeprefix(str(DATA))}" for path in paths.split(",")]
