"""Error codes and exceptions."""

import pytest

from minikafka.protocol.error_messages import DEFAULT_MESSAGES
from minikafka.protocol.errors import (
    ErrorCode,
    KafkaError,
    MalformedMessage,
    ProtocolError,
    UnencodableMessage,
    UnsupportedVersion,
    error_code,
)


def test_every_code_has_a_message() -> None:
    assert {code.value for code in ErrorCode} == set(DEFAULT_MESSAGES) == set(range(-1, 134))


def test_what_clients_retry() -> None:
    assert ErrorCode.NOT_ENOUGH_REPLICAS.retriable
    assert not ErrorCode.NOT_ENOUGH_REPLICAS.refreshes_metadata
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER.retriable
    assert ErrorCode.NOT_LEADER_OR_FOLLOWER.refreshes_metadata
    assert not ErrorCode.MESSAGE_TOO_LARGE.retriable
    assert not ErrorCode.NONE.retriable


def test_a_kafka_error_has_the_default_message_or_a_better_one() -> None:
    error = KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS)
    assert error.message == "Topic with this name already exists."
    assert str(error) == "TOPIC_ALREADY_EXISTS: Topic with this name already exists."
    assert KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, "it does").message == "it does"


def test_unknown_codes_count_as_unknown_server_error() -> None:
    assert error_code(3) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert error_code(999) is ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize("kind", [MalformedMessage, UnencodableMessage, UnsupportedVersion])
def test_what_is_wrong_with_bytes_is_a_protocol_error(kind: type[Exception]) -> None:
    assert issubclass(kind, ProtocolError)
    assert issubclass(kind, ValueError)
