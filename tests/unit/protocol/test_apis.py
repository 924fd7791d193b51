"""The api tables."""

import subprocess
import sys

import pytest

from minikafka.protocol.apis import (
    ADVERTISED_BROKER,
    ADVERTISED_CONTROLLER,
    NEVER,
    UNSTABLE_VERSIONS,
    ApiKey,
    first_flexible,
    request_class,
    request_header_version,
    response_class,
    response_header_version,
    valid_versions,
)
from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse


def test_keys() -> None:
    assert [key.value for key in ApiKey] == [*range(4), *range(8, 93)]
    with pytest.raises(ValueError, match="4"):
        ApiKey(4)


def test_versions() -> None:
    assert valid_versions(ApiKey.FETCH) == (4, 18)
    assert valid_versions(1) == (4, 18)
    assert first_flexible(ApiKey.FETCH) == 12
    assert first_flexible(ApiKey.SASL_HANDSHAKE) == NEVER
    with pytest.raises(ValueError, match="5"):
        valid_versions(5)


def test_header_versions() -> None:
    assert request_header_version(ApiKey.FETCH, 11) == 1
    assert request_header_version(ApiKey.FETCH, 12) == 2
    assert response_header_version(ApiKey.FETCH, 11) == 0
    assert response_header_version(ApiKey.FETCH, 12) == 1
    assert request_header_version(ApiKey.SASL_HANDSHAKE, 1) == 1


def test_api_versions_always_answers_with_header_0() -> None:
    assert request_header_version(ApiKey.API_VERSIONS, 3) == 2
    assert [response_header_version(ApiKey.API_VERSIONS, version) for version in range(6)] == [
        0
    ] * 6


def test_advertised_ranges_are_served_ranges() -> None:
    for table in (ADVERTISED_BROKER, ADVERTISED_CONTROLLER):
        for key, (first, last) in table.items():
            lowest, highest = valid_versions(key)
            highest -= key in UNSTABLE_VERSIONS
            assert last == highest
            assert first == (0 if key is ApiKey.PRODUCE else lowest)
    telemetry = {ApiKey.GET_TELEMETRY_SUBSCRIPTIONS, ApiKey.PUSH_TELEMETRY}
    assert telemetry == set(ApiKey) - set(ADVERTISED_BROKER) - set(ADVERTISED_CONTROLLER)


def test_classes() -> None:
    assert request_class(ApiKey.FETCH) is FetchRequest
    assert response_class(1) is FetchResponse


def test_the_tables_import_no_schemas() -> None:
    code = (
        "import sys, minikafka.protocol.apis, minikafka.protocol.codec, minikafka.protocol.errors;"
        "print([name for name in sys.modules if '.messages' in name or '.records' in name])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"
