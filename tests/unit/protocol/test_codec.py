"""Edges of the codecs that Kafka's vectors do not show: errors, parts, unknown tags, bounds."""

import tracemalloc
from uuid import UUID

import pytest

from minikafka.protocol.codec import decode, decoder, encode, encode_parts, encoder
from minikafka.protocol.errors import (
    MalformedMessage,
    ProtocolError,
    UnencodableMessage,
    UnsupportedVersion,
)
from minikafka.protocol.messages.api_versions import ApiVersionsRequest
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.describe_client_quotas import (
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)
from minikafka.protocol.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    PartitionData,
)
from minikafka.protocol.messages.list_offsets import ListOffsetsRequest
from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.protocol.messages.sasl_authenticate import SaslAuthenticateRequest

TOPIC_ID = UUID(int=1 << 100 | 7)


class Region:
    """Stands for a part of a file."""

    def __init__(self, size: int) -> None:
        self.size = size


def produce(records: object) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=records)  # type: ignore[arg-type]
    return ProduceRequest(
        acks=-1,
        timeout_ms=30000,
        topic_data=[TopicProduceData(name="t", partition_data=[data])],
    )


# Records


def test_records_decode_to_a_view_of_the_input() -> None:
    frame = bytearray(encode(produce(b"x" * 2000), 9))
    request, end = decode(ProduceRequest, 9, frame)
    assert end == len(frame)
    records = request.topic_data[0].partition_data[0].records
    assert isinstance(records, memoryview)
    place = frame.index(b"xxx")
    frame[place] = ord("y")
    assert records[0] == ord("y")


def test_bytes_are_copied_out_of_the_input() -> None:
    frame = memoryview(bytearray(encode(SaslAuthenticateRequest(auth_bytes=b"secret"), 2)))
    request, _ = decode(SaslAuthenticateRequest, 2, frame)
    assert request.auth_bytes == b"secret"
    assert type(request.auth_bytes) is bytes


@pytest.mark.parametrize("version", [3, 9])
@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_big_records_are_handed_on_as_they_are(version: int, make: type) -> None:
    records = make(b"x" * 5000)
    parts = encode_parts(produce(records), version)
    assert len(parts) == 3
    assert parts[1] is records
    assert b"".join(parts) == encode(produce(b"x" * 5000), version)


def test_small_records_are_joined() -> None:
    assert len(encode_parts(produce(b"x" * 100), 9)) == 1


@pytest.mark.parametrize("version", [3, 9])
@pytest.mark.parametrize("size", [1, 5000])
def test_regions_are_handed_on_with_their_size(version: int, size: int) -> None:
    region = Region(size)
    parts = encode_parts(produce(region), version)
    assert parts[1] is region
    assert b"".join([parts[0], b"x" * size, parts[2]]) == encode(produce(b"x" * size), version)


def test_empty_and_null_records_differ() -> None:
    for records in (b"", None):
        request, _ = decode(ProduceRequest, 9, encode(produce(records), 9))
        found = request.topic_data[0].partition_data[0].records
        assert found == records


def test_an_encoder_hands_parts_to_any_function() -> None:
    parts: list[bytes] = []
    encoder(ListOffsetsRequest, 5)(ListOffsetsRequest(replica_id=-1), parts.append)
    assert b"".join(parts) == encode(ListOffsetsRequest(replica_id=-1), 5)


# Versions


@pytest.mark.parametrize("version", [-1, 3, 19])
def test_versions_outside_the_schema_are_refused(version: int) -> None:
    with pytest.raises(UnsupportedVersion, match=r"FetchRequest has versions 4 to 18"):
        decoder(FetchRequest, version)
    with pytest.raises(UnsupportedVersion):
        encode(FetchRequest(), version)


def test_a_field_that_the_version_lacks_must_have_its_default_unless_ignorable() -> None:
    request = FetchRequest(rack_id="a", session_id=5)  # both ignorable
    assert decode(FetchRequest, 4, encode(request, 4))[0].session_id == 0
    with pytest.raises(UnsupportedVersion, match=r"FetchRequest\.replica_id is set"):
        encode(FetchRequest(replica_id=3), 15)
    with pytest.raises(UnsupportedVersion, match="isolation_level is set"):
        encode(ListOffsetsRequest(isolation_level=1), 1)


# Null


@pytest.mark.parametrize("version", [2, 7])
def test_none_where_the_version_has_no_null_cannot_be_encoded(version: int) -> None:
    with pytest.raises(UnencodableMessage, match="CreateTopicsRequest v"):
        encode(CreateTopicsRequest(topics=[CreatableTopic(name=None)]), version)  # type: ignore[arg-type]
    with pytest.raises(UnencodableMessage):
        encode(CreateTopicsRequest(topics=None), version)  # type: ignore[arg-type]
    with pytest.raises(UnencodableMessage):
        encode(CreateTopicsRequest(timeout_ms=None), version)  # type: ignore[arg-type]
    with pytest.raises(UnencodableMessage):
        encode(CreateTopicsRequest(validate_only=None), version)  # type: ignore[arg-type]


def test_null_may_come_with_a_version() -> None:
    request = MetadataRequest(topics=None)
    with pytest.raises(UnencodableMessage):
        encode(request, 0)
    assert encode(request, 1) == b"\xff\xff\xff\xff"
    with pytest.raises(MalformedMessage, match=r"MetadataRequest\.topics is null"):
        decode(MetadataRequest, 0, b"\xff\xff\xff\xff")
    # names are null only from version 10 on
    named = MetadataRequest(topics=[MetadataRequestTopic(name=None, topic_id=TOPIC_ID)])
    assert decode(MetadataRequest, 12, encode(named, 12))[0] == named
    with pytest.raises(UnencodableMessage):
        encode(MetadataRequest(topics=[MetadataRequestTopic(name=None)]), 9)


def test_null_on_the_wire_where_the_version_has_none() -> None:
    with pytest.raises(MalformedMessage, match=r"client_software_name is null"):
        decode(ApiVersionsRequest, 3, b"\x00\x01\x00")
    with pytest.raises(MalformedMessage, match=r"auth_bytes is null"):
        decode(SaslAuthenticateRequest, 2, b"\x00\x00")
    with pytest.raises(MalformedMessage, match=r"auth_bytes is null"):
        decode(SaslAuthenticateRequest, 1, b"\xff\xff\xff\xff")


# Values


@pytest.mark.parametrize(
    "message",
    [
        FetchRequest(max_wait_ms=1 << 31),
        FetchRequest(max_wait_ms="1"),  # type: ignore[arg-type]
        FetchRequest(rack_id="\ud800"),
        FetchRequest(rack_id=b"rack"),  # type: ignore[arg-type]
        FetchRequest(rack_id="x" * 32768),
        FetchRequest(topics=[None]),  # type: ignore[list-item]
        FetchRequest(topics=5),  # type: ignore[arg-type]
    ],
    ids=lambda message: repr(message)[:40],
)
def test_values_that_do_not_fit_cannot_be_encoded(message: FetchRequest) -> None:
    for version in (11, 18):
        with pytest.raises(UnencodableMessage):
            encode(message, version)


def test_other_misfits() -> None:
    with pytest.raises(UnencodableMessage):
        encode(SaslAuthenticateRequest(auth_bytes="text"), 2)  # type: ignore[arg-type]
    with pytest.raises(UnencodableMessage):
        encode(produce("text"), 9)
    huge = DescribeClientQuotasResponse(
        entries=[
            EntryData(
                entity=[EntityData(entity_type="user")], values=[ValueData(key="a", value=10**400)]
            )
        ]
    )
    with pytest.raises(UnencodableMessage):
        encode(huge, 1)


def test_the_longest_string() -> None:
    for version in (11, 18):
        request = FetchRequest(rack_id="ü" * 16383)
        assert decode(FetchRequest, version, encode(request, version))[0] == request


def test_a_compact_string_may_not_be_longer_than_a_classic_one() -> None:
    too_long = b"\x81\x80\x02" + b"x" * 32768
    with pytest.raises(MalformedMessage, match="32768 bytes"):
        decode(ApiVersionsRequest, 3, too_long + b"\x01\x00")


# Tags

HEAD = b"\x02a\x02b"  # name and version in ApiVersionsRequest v3


def test_unknown_tags_are_kept_at_the_top_level() -> None:
    data = HEAD + b"\x02\x05\x01z\x07\x00"
    request, end = decode(ApiVersionsRequest, 3, data)
    assert end == len(data)
    assert request.unknown_tags == ((5, b"z"), (7, b""))
    assert encode(request, 3) == data


def test_unknown_tags_among_known_ones() -> None:
    request = FetchRequest(cluster_id="c", unknown_tags=[(9, b"n"), (0x4000, b"")])
    decoded, _ = decode(FetchRequest, 12, encode(request, 12))
    assert decoded.cluster_id == "c"
    assert list(decoded.unknown_tags) == [(9, b"n"), (0x4000, b"")]
    clash = FetchRequest(cluster_id="c", unknown_tags=[(0, b"n")])
    with pytest.raises(UnencodableMessage, match="tag 0 is given twice"):
        encode(clash, 12)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (b"\x02\x05\x00\x05\x00", "tag 5 after tag 5"),
        (b"\x02\x05\x00\x03\x00", "tag 3 after tag 5"),
        (b"\x01\x05\x09zz", "tag 5 of 9 bytes"),
        (b"\x01\x05\xff\xff\xff\xff\x0f", "31 bits"),
        (b"\xff\xff\xff\xff\xff\x01", "five bytes"),
        (b"\xff\xff\xff\xff\x07", "out of range|unpack"),
        (b"\x01", "out of range"),
    ],
)
def test_bad_tags(tags: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        decode(ApiVersionsRequest, 3, HEAD + tags)


def test_a_known_tag_must_fill_its_size() -> None:
    good = encode(FetchRequest(cluster_id="c"), 12)
    assert good.endswith(b"\x01\x00\x02\x02c")
    with pytest.raises(MalformedMessage, match="tag 0"):
        decode(FetchRequest, 12, good[:-3] + b"\x03\x02cc")


def test_a_tagged_struct_equal_to_its_default_is_absent() -> None:
    def response(leader: LeaderIdAndEpoch | None) -> bytes:
        data = PartitionData(partition_index=1, current_leader=leader)
        topics = [FetchableTopicResponse(topic_id=TOPIC_ID, partitions=[data])]
        return encode(FetchResponse(responses=topics), 13)

    assert response(LeaderIdAndEpoch()) == response(None)
    decoded, _ = decode(FetchResponse, 13, response(LeaderIdAndEpoch(leader_id=2)))
    leader = decoded.responses[0].partitions[0].current_leader
    assert leader == LeaderIdAndEpoch(leader_id=2)


# Bounds


@pytest.mark.parametrize("length", [b"\x7f\xff\xff\xff", b"\x00\x10\x00\x00"])
def test_a_count_beyond_the_buffer_is_refused_before_anything_is_allocated(length: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedMessage, match="announces"):
            decode(CreateTopicsRequest, 2, length + b"\x00" * 10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000


def test_truncation_is_malformed_at_every_byte() -> None:
    data = encode(produce(b"x" * 300), 9)
    for end in range(len(data)):
        with pytest.raises(ProtocolError):
            decode(ProduceRequest, 9, memoryview(data)[:end])


def test_bad_text_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="utf-8"):
        decode(ApiVersionsRequest, 3, b"\x02\xff\x02b\x00")


def test_decoding_starts_and_ends_where_it_is_told() -> None:
    data = encode(SaslAuthenticateRequest(auth_bytes=b"a"), 2)
    message, end = decode(SaslAuthenticateRequest, 2, b"..." + data + b"rest", 3)
    assert message.auth_bytes == b"a"
    assert end == 3 + len(data)
