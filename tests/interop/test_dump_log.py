"""Kafka's own log reader on the files of a broker that was stopped, and of one that was killed."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.broker import RunningBroker
from harness.clients import AioKafka, ConfluentKafka, Keyed
from harness.java import dump_log
from harness.segments import segment_files

TOPIC = "dumped"
METADATA_TYPES = (
    "REGISTER_BROKER_RECORD",
    "TOPIC_RECORD",
    "PARTITION_RECORD",
    "CONFIG_RECORD",
    "FEATURE_LEVEL_RECORD",
)


def files_of(broker: RunningBroker, suffix: str) -> list[Path]:
    return sorted((broker.log_dir / f"{TOPIC}-0").glob(f"*{suffix}"))


def produce(broker: RunningBroker, name: str, codec: str) -> int:
    records = [Keyed(b"%d" % n, f"{name} {n} ".encode() * 50) for n in range(3000)]
    AioKafka().produce(broker.bootstrap, TOPIC, records, "none")
    ConfluentKafka().produce(broker.bootstrap, TOPIC, records[:500], codec)
    return len(records) + 500


@pytest.fixture(scope="module", params=["stopped", "killed and stopped"])
def stopped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningBroker, int]]:
    """A stopped broker with several segments in its one partition, and how many records."""
    with RunningBroker(tmp_path_factory.mktemp("dumped")) as broker:
        with broker.connect() as wire:
            wire.create_topic(TOPIC, configs={"segment.bytes": "1048576"})
        count = produce(broker, "before", "zstd")
        if request.param != "stopped":
            broker.kill()
            broker.start()
            count += produce(broker, "after", "gzip")
        broker.stop()
        yield broker, count


def test_segments_are_valid_and_complete(stopped: tuple[RunningBroker, int]) -> None:
    broker, count = stopped
    segments = segment_files(broker.log_dir, TOPIC)
    assert len(segments) > 1
    said = dump_log("--deep-iteration", files=segments)
    offsets = [int(n) for n in re.findall(r"^\| offset: (\d+)", said, re.MULTILINE)]
    assert offsets == list(range(count))
    assert "isvalid: true" in said


def test_segments_are_named_by_their_first_offset(stopped: tuple[RunningBroker, int]) -> None:
    broker, _ = stopped
    for segment in segment_files(broker.log_dir, TOPIC):
        assert f"Log starting offset: {int(segment.stem)}" in dump_log(files=[segment])


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_indexes_agree_with_their_segments(stopped: tuple[RunningBroker, int], suffix: str) -> None:
    broker, _ = stopped
    indexes = files_of(broker, suffix)
    assert len(indexes) == len(segment_files(broker.log_dir, TOPIC))
    dump_log("--verify-index-only", files=indexes)
    said = dump_log("--index-sanity-check", files=indexes)
    passed, empty = said.count("passed sanity check."), said.count("is empty.")
    assert passed > 0
    assert passed + empty == len(indexes), said


def test_the_producer_snapshot_is_readable(stopped: tuple[RunningBroker, int]) -> None:
    broker, count = stopped
    snapshots = files_of(broker, ".snapshot")
    assert snapshots[-1].stem == f"{count:020}"
    said = dump_log(files=snapshots[-1:])
    assert "producerId: 0" in said
    assert f"lastOffset: {count - 1}" in said


def test_the_metadata_log_is_in_kafkas_own_records(stopped: tuple[RunningBroker, int]) -> None:
    broker, _ = stopped
    log = broker.log_dir / "__cluster_metadata-0" / f"{0:020}.log"
    said = dump_log("--cluster-metadata-decoder", files=[log])
    payloads = [json.loads(text) for text in re.findall(r"payload: (\{.*\})$", said, re.MULTILINE)]
    types = {payload["type"] for payload in payloads}
    assert types >= set(METADATA_TYPES)
    topics = [p["data"]["name"] for p in payloads if p["type"] == "TOPIC_RECORD"]
    assert topics == [TOPIC]
    assert "LeaderChange" in said


def test_damage_would_be_seen(stopped: tuple[RunningBroker, int], tmp_path: Path) -> None:
    broker, _ = stopped
    damaged = tmp_path / segment_files(broker.log_dir, TOPIC)[0].name
    shutil.copy(segment_files(broker.log_dir, TOPIC)[0], damaged)
    data = bytearray(damaged.read_bytes())
    data[200] ^= 0x20
    damaged.write_bytes(data)
    with pytest.raises(AssertionError, match="isvalid: false"):
        dump_log(files=[damaged])
