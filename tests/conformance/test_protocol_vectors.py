"""Messages with the bytes that Kafka 4.3's own serialisers gave them."""

from pathlib import Path

import pytest

from minikafka.protocol.__main__ import read_vectors
from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.vectors import check

ROOT = Path(__file__).parents[2]
OWN = Path(__file__).parent / "vectors" / "kafka-4.3.jsonl.gz"
ALL = ROOT.parent / "shared" / "protocol" / "vectors-dev.jsonl.gz"


def failures(file: Path) -> tuple[int, list[str]]:
    classes = message_classes()
    count, found = 0, []
    for number, vector in read_vectors(str(file)):
        count += 1
        difference = check(vector, classes)
        if difference:
            found.append(f"line {number}, {vector['name']} v{vector['version']}: {difference}")
    return count, found


def test_the_projects_own_vectors_pass() -> None:
    count, found = failures(OWN)
    assert found == []
    assert count > 300


def test_the_projects_own_vectors_hold_every_schema() -> None:
    names = {vector["name"] for _, vector in read_vectors(str(OWN))}
    assert names == set(message_classes())


@pytest.mark.skipif(not ALL.exists(), reason=f"{ALL} is not here")
def test_all_vectors_pass() -> None:
    count, found = failures(ALL)
    assert found == []
    assert count > 4000
