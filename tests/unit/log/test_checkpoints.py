"""The text files of a log directory, character by character as Kafka writes them."""

from uuid import UUID

import pytest

from minikafka.log import checkpoints

TOPIC_ID = UUID(bytes=bytes(range(16)))


def test_offset_checkpoint_grammar() -> None:
    offsets = {("g-compact", 0): 41, ("a.b_c", 12): 0}
    data = checkpoints.encode_offsets(offsets)
    assert data == b"0\n2\ng-compact 0 41\na.b_c 12 0\n"
    assert checkpoints.decode_offsets(data) == offsets
    assert checkpoints.encode_offsets({}) == b"0\n0\n"
    assert checkpoints.decode_offsets(b"0\n0\n") == {}
    assert checkpoints.decode_offsets(b"") == {}


@pytest.mark.parametrize(
    "data",
    [b"garbage", b"1\n0\n", b"0\n5\nt 0 1\n", b"0\n1\nt 0\n", b"0\n1\nt 0 x\n", b"0\n", b"0"],
)
def test_a_checkpoint_that_kafka_refuses(data: bytes) -> None:
    with pytest.raises(ValueError):
        checkpoints.decode_offsets(data)


def test_leader_epoch_checkpoint() -> None:
    data = b"0\n2\n0 0\n2 51\n"
    assert checkpoints.decode_leader_epochs(data) == [(0, 0), (2, 51)]
    assert checkpoints.encode_leader_epochs([(0, 0), (2, 51)]) == data
    for wrong in (b"0\n1\n0 zero\n", b"0\n2\n2 0\n1 5\n", b"0\n2\n1 5\n2 4\n", b"0\n1\n-1 0\n"):
        with pytest.raises(ValueError):
            checkpoints.decode_leader_epochs(wrong)


def test_partition_metadata_has_no_final_newline() -> None:
    data = checkpoints.encode_partition_metadata(TOPIC_ID)
    assert data == b"version: 0\ntopic_id: AAECAwQFBgcICQoLDA0ODw"
    assert checkpoints.decode_partition_metadata(data) == TOPIC_ID
    assert checkpoints.decode_partition_metadata(data.replace(b"0", b"9", 1)) == TOPIC_ID
    for wrong in (b"", b"version: 0\n", b"version: 0\ntopic_id: short"):
        with pytest.raises(ValueError):
            checkpoints.decode_partition_metadata(wrong)


def test_meta_properties_as_kafka_writes_them() -> None:
    data = (
        b"#\n#Sun Nov 22 19:27:43 UTC 2026\nnode.id=1\ndirectory.id=JX3MRp6sRYO0KDpmKy5ERw\n"
        b"version=1\ncluster.id=Nj5GKOPgT4q9kBth5aocGg\n"
    )
    meta = checkpoints.MetaProperties.decode(data)
    assert (meta.node_id, meta.cluster_id) == (1, "Nj5GKOPgT4q9kBth5aocGg")
    assert meta.directory_id is not None
    assert checkpoints.uuid_text(meta.directory_id) == "JX3MRp6sRYO0KDpmKy5ERw"
    again = checkpoints.MetaProperties.decode(meta.encode())
    assert (again.node_id, again.cluster_id, again.directory_id) == (
        meta.node_id,
        meta.cluster_id,
        meta.directory_id,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"version=0\nbroker.id=1\ncluster.id=x\n",
        b"version=1\ncluster.id=x\n",
        b"version=1\nnode.id=1\n",
        b"version=1\nnode.id=one\ncluster.id=x\n",
        b"version=1\nnode.id=1\ncluster.id=x\ndirectory.id=short\n",
    ],
)
def test_meta_properties_that_name_nobody(data: bytes) -> None:
    with pytest.raises(ValueError):
        checkpoints.MetaProperties.decode(data)


def test_the_clean_marker_counts_by_its_presence() -> None:
    data = checkpoints.encode_clean_shutdown(117)
    assert data == b'{"version":0,"brokerEpoch":117}'
    assert checkpoints.decode_clean_shutdown(data) == 117
    assert checkpoints.decode_clean_shutdown(b"") == -1
    assert checkpoints.decode_clean_shutdown(b"hello") == -1
