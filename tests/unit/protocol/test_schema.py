"""What annotations say."""

from __future__ import annotations

from typing import Annotated

import pytest

from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.fetch import FetchRequest, PartitionData
from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.schema import FOREVER, Field, fields_of
from minikafka.protocol.types import Int32, Struct


def field(struct: type, name: str) -> Field:
    return next(field for field in fields_of(struct) if field.name == name)


def test_a_plain_field_is_in_all_versions() -> None:
    wait = field(FetchRequest, "max_wait_ms")
    assert (wait.type_name, wait.since, wait.until, wait.tag) == ("Int32", 0, FOREVER, -1)
    assert wait.wire_name == "maxWaitMs"
    assert not wait.nullable
    assert not wait.ignorable


def test_a_tag_implies_its_version() -> None:
    cluster_id = field(FetchRequest, "cluster_id")
    assert (cluster_id.since, cluster_id.tag, cluster_id.tag_since) == (12, 0, 12)
    assert cluster_id.nullable_in(12)
    assert not cluster_id.in_version(11)


def test_structs_and_arrays_name_a_class_of_their_module() -> None:
    leader = field(PartitionData, "current_leader")
    assert (leader.struct.__name__, leader.is_array) == ("LeaderIdAndEpoch", False)
    assert leader.never_null
    assert not leader.nullable_in(12)
    aborted = field(PartitionData, "aborted_transactions")
    assert (aborted.struct.__name__, aborted.is_array) == ("AbortedTransaction", True)


def test_irregular_names_are_given() -> None:
    assert field(KRaftVersionRecord, "kraft_version").wire_name == "kRaftVersion"


def test_the_client_id_stays_classic() -> None:
    assert field(RequestHeader, "client_id").never_flexible


class Misspelt(Struct):
    number: Annotated[Int32, sinse(3)] = 0  # type: ignore[name-defined] # noqa: F821


def test_an_unknown_marker_is_refused() -> None:
    with pytest.raises(TypeError, match="sinse"):
        fields_of(Misspelt)
