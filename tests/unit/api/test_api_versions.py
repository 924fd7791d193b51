"""ApiVersions: the list that every client begins with."""

from typing import Any

import pytest

from minikafka.api.dispatch import SERVED, served_apis
from minikafka.protocol.apis import ADVERTISED_BROKER
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.api_versions import ApiVersionsRequest
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord


def named(name: str = "probe", version: str = "1.0") -> ApiVersionsRequest:
    return ApiVersionsRequest(client_software_name=name, client_software_version=version)


@pytest.mark.parametrize("version", range(5))
async def test_lists_what_is_served_in_the_order_of_keys(cluster: Any, version: int) -> None:
    answer = await cluster.ask(named(), version)
    assert answer.error_code == 0
    listed = [(api.api_key, (api.min_version, api.max_version)) for api in answer.api_keys]
    assert listed == [(int(key), ADVERTISED_BROKER[key]) for key in sorted(SERVED)]
    assert (0, (0, 13)) in listed, "old librdkafka looks for Produce v0"


async def test_a_controllers_listener_lists_what_is_served_there(cluster: Any) -> None:
    answer = await cluster.ask(named(), 4, listener="CONTROLLER")
    listed = {api.api_key for api in answer.api_keys}
    assert listed == {int(key) for key in served_apis(controller=True)}
    assert 3 not in listed


async def test_an_unknown_version_is_answered_in_version_0_with_the_entry_to_retry_with(
    cluster: Any,
) -> None:
    raw = await cluster.ask_raw(bytes.fromhex("0012 007f 0000004d ffff 00"))
    assert raw.hex() == "0000004d002300000001001200000004"


@pytest.mark.parametrize(
    ("name", "version"), [("", ""), ("a b", "1"), ("librdkafka", "2.0-"), ("-x", "1"), ("é", "1")]
)
async def test_refuses_a_software_name_that_is_none(cluster: Any, name: str, version: str) -> None:
    answer = await cluster.ask(named(name, version), 3)
    assert answer.error_code == ErrorCode.INVALID_REQUEST
    assert answer.api_keys == []


async def test_software_names_do_not_exist_before_version_3(cluster: Any) -> None:
    assert (await cluster.ask(ApiVersionsRequest(), 2)).error_code == 0


async def test_features_that_start_at_level_0_are_hidden_from_version_3(cluster: Any) -> None:
    old = await cluster.ask(named(), 3)
    new = await cluster.ask(named(), 4)
    assert [f.name for f in old.supported_features] == ["metadata.version"]
    ranges = {f.name: (f.min_version, f.max_version) for f in new.supported_features}
    assert ranges["metadata.version"] == (7, 30)
    assert ranges["eligible.leader.replicas.version"] == (0, 1)


async def test_finalised_features_come_from_the_image_with_its_offset(cluster: Any) -> None:
    cluster.replay(FeatureLevelRecord(name="metadata.version", feature_level=30))
    answer = await cluster.ask(named(), 4)
    finalised = [
        (f.name, f.min_version_level, f.max_version_level) for f in answer.finalized_features
    ]
    assert finalised == [("metadata.version", 30, 30)]
    assert answer.finalized_features_epoch == cluster.image.offset
