"""Headers and frames."""

import pytest

from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import MalformedMessage, ProtocolError, UnsupportedVersion
from minikafka.protocol.framing import (
    frame_request,
    frame_response,
    response_header,
    split_request,
)


@pytest.mark.parametrize("client_id", ["me", "", None, "ü"])
@pytest.mark.parametrize("version", [11, 12])
def test_a_request_survives_framing(client_id: str | None, version: int) -> None:
    frame = frame_request(ApiKey.FETCH, version, 7, client_id, b"body")
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    header, position = split_request(memoryview(frame)[4:])
    assert (header.request_api_key, header.request_api_version) == (1, version)
    assert (header.correlation_id, header.client_id) == (7, client_id)
    assert frame[4 + position :] == b"body"


def test_an_unknown_version_of_a_known_api_has_a_readable_header() -> None:
    frame = frame_request(ApiKey.API_VERSIONS, 99, 3, "me", b"??")
    header, _ = split_request(frame[4:])
    assert (header.request_api_version, header.correlation_id) == (99, 3)


@pytest.mark.parametrize("key", [-1, 4, 7, 93, 200])
def test_an_unknown_api_is_unsupported(key: int) -> None:
    with pytest.raises(UnsupportedVersion, match=str(key)):
        split_request(key.to_bytes(2, "big", signed=True) + bytes(20))


def test_short_frames_are_malformed() -> None:
    frame = frame_request(ApiKey.FETCH, 12, 7, "me", b"")[4:]
    with pytest.raises(MalformedMessage, match="no header"):
        split_request(b"\x00")
    for end in range(len(frame)):
        with pytest.raises(ProtocolError):
            split_request(frame[:end])


def test_responses() -> None:
    assert response_header(-2, 0) == b"\xff\xff\xff\xfe"
    assert response_header(2, 1) == b"\x00\x00\x00\x02\x00"
    assert frame_response(2, 1, b"body") == b"\x00\x00\x00\x09\x00\x00\x00\x02\x00body"
