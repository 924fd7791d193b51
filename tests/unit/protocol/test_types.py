"""Message classes: slots, keyword constructors, fresh defaults, equality, repr."""

import copy

import pytest

from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.fetch import FetchRequest, FetchTopic, PartitionData
from minikafka.protocol.messages.list_groups import ListGroupsRequest
from minikafka.protocol.records.group.consumer_group_member_metadata_value import (
    ClassicMemberMetadata,
    ConsumerGroupMemberMetadataValue,
)


def test_fields_take_their_schema_defaults() -> None:
    request = FetchRequest()
    assert (request.replica_id, request.max_bytes, request.session_epoch) == (-1, 0x7FFFFFFF, -1)
    assert (request.cluster_id, request.rack_id) == (None, "")
    assert request.unknown_tags == ()


def test_each_instance_gets_its_own_list_and_struct() -> None:
    one, other = CreateTopicsRequest(), CreateTopicsRequest()
    one.topics.append(CreatableTopic(name="a"))
    assert other.topics == []
    value = ConsumerGroupMemberMetadataValue()
    assert isinstance(value.classic_member_metadata, ClassicMemberMetadata)
    assert (
        value.classic_member_metadata
        is not ConsumerGroupMemberMetadataValue().classic_member_metadata
    )


def test_instances_have_slots_and_keyword_arguments_only() -> None:
    topic = FetchTopic(topic="a")
    with pytest.raises(AttributeError):
        topic.partition = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        FetchTopic("a")  # type: ignore[misc]
    with pytest.raises(TypeError):
        FetchTopic(name="a")  # type: ignore[call-arg]


def test_equality_is_by_class_and_fields() -> None:
    assert FetchTopic(topic="a") == FetchTopic(topic="a")
    assert FetchTopic(topic="a") != FetchTopic(topic="b")
    assert FetchTopic() != PartitionData()
    assert FetchRequest() != FetchRequest(unknown_tags=((1, b""),))
    assert ListGroupsRequest() == ListGroupsRequest()


def test_mutable_messages_are_no_keys() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(FetchTopic())


def test_repr_shows_what_differs_from_the_defaults() -> None:
    data = PartitionData(partition_index=3, records=memoryview(b"abc"), current_leader=None)
    assert repr(data) == "PartitionData(partition_index=3, records=<3 bytes>)"
    assert repr(FetchTopic()) == "FetchTopic()"


def test_copies_are_independent() -> None:
    request = CreateTopicsRequest(topics=[CreatableTopic(name="a")], timeout_ms=5)
    twin = copy.deepcopy(request)
    assert twin == request
    twin.topics[0].name = "b"
    assert request.topics[0].name == "a"


def test_messages_know_their_key_and_versions() -> None:
    assert (FetchRequest.api_key, FetchRequest.versions, FetchRequest.flexible) == (1, (4, 18), 12)
