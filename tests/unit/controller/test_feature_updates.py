"""UpdateFeatures: up and down within what is served, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.metadata.features import SERVED, SUPPORTED
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest

ELR = "eligible.leader.replicas.version"
UP, SAFE, UNSAFE = 1, 2, 3
PREFIX = "The update failed for all features since the following feature had an error: "


def update(
    bench: Any, *updates: tuple[str, int, int], version: int = 2, validate_only: bool = False
) -> Any:
    request = UpdateFeaturesRequest(
        feature_updates=[
            FeatureUpdateKey(feature=name, max_version_level=level, upgrade_type=kind)
            for name, level, kind in updates
        ],
        validate_only=validate_only,
    )
    return bench.take(bench.controller.administer(request, version))


def refusal(bench: Any, *updates: tuple[str, int, int]) -> str:
    features, length = dict(bench.image.features), len(bench.log)
    with pytest.raises(KafkaError) as refused:
        update(bench, *updates)
    assert refused.value.code is ErrorCode.INVALID_UPDATE_VERSION
    assert (bench.image.features, len(bench.log)) == (features, length)
    assert refused.value.message.startswith(PREFIX)
    return refused.value.message.removeprefix(PREFIX)


def test_a_feature_goes_down_and_up(bench: Any) -> None:
    assert bench.image.features[ELR] == 1
    assert update(bench, (ELR, 0, SAFE)).error_code == 0
    assert ELR not in bench.image.features
    update(bench, (ELR, 1, UP))
    assert bench.image.features[ELR] == 1


def test_eligible_leaders_need_one_minimum_for_all_brokers(make_bench: Any) -> None:
    bench = make_bench(min_insync_replicas="2")
    bench.activate()
    bench.up(1)
    update(bench, (ELR, 0, SAFE))
    bench.image.configs[4, "1"] = {"min.insync.replicas": "1"}
    del bench.image.configs[4, ""]
    update(bench, (ELR, 1, UP))
    assert bench.image.cluster_configs == {"min.insync.replicas": "2"}
    assert bench.image.broker_configs(1) == {}


def test_without_eligible_leaders_the_isr_is_never_empty(bench: Any) -> None:
    bench.up(2)
    for name, replicas in (("alone", [2]), ("orders", [1, 2])):
        topic = CreatableTopic(
            name=name,
            num_partitions=-1,
            replication_factor=-1,
            assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=replicas)],
            configs=[CreatableTopicConfig(name="min.insync.replicas", value="2")],
        )
        bench.take(bench.controller.create_topics(CreateTopicsRequest(topics=[topic])))
    bench.heartbeat(2, want_fence=True)
    assert (bench.partition("alone").isr, bench.partition("alone").elr) == ([], [2])
    assert (bench.partition("orders").isr, bench.partition("orders").elr) == ([1], [2])
    update(bench, (ELR, 0, SAFE))
    assert (bench.partition("alone").isr, bench.partition("alone").elr) == ([2], [])
    assert (bench.partition("orders").isr, bench.partition("orders").elr) == ([1], [])
    bench.heartbeat(2)
    assert bench.partition("alone").leader == 2


def test_what_is_so_already_takes_no_record(bench: Any) -> None:
    before = len(bench.log)
    answer = update(bench, ("metadata.version", 30, UP), (ELR, 1, SAFE), version=1)
    assert [(r.feature, r.error_code) for r in answer.results] == [
        ("metadata.version", 0),
        (ELR, 0),
    ]
    assert update(bench).error_code == 0
    assert len(bench.log) == before


def test_validation_changes_nothing(bench: Any) -> None:
    assert update(bench, (ELR, 0, SAFE), validate_only=True).error_code == 0
    assert bench.image.features[ELR] == 1


def test_version_0_allows_a_downgrade_by_a_flag(bench: Any) -> None:
    asked = FeatureUpdateKey(feature=ELR, max_version_level=0)
    request = UpdateFeaturesRequest(feature_updates=[asked])
    with pytest.raises(KafkaError, match="Can't downgrade"):
        bench.controller.administer(request, 0)
    asked.allow_downgrade = True
    bench.take(bench.controller.administer(request, 0))
    assert ELR not in bench.image.features


@pytest.mark.parametrize(
    ("name", "level", "kind", "reason"),
    [
        ("nope", 1, UP, "Local controller 1 does not support this feature."),
        ("nope", 0, UP, "Feature nope not found."),
        ("metadata.version", -1, UP, "A feature version cannot be less than 0."),
        ("metadata.version", 31, UP, "Local controller 1 only supports versions 7-30"),
        ("metadata.version", 6, UNSAFE, "Local controller 1 only supports versions 7-30"),
        (
            "metadata.version",
            29,
            UP,
            "Can't downgrade the version of this feature without setting the upgrade type to "
            "either safe or unsafe downgrade.",
        ),
        ("metadata.version", 30, 9, "The controller does not support the given upgrade type."),
        ("kraft.version", 2, UP, "Local controller 1 only supports versions 0-1"),
    ],
)
def test_what_cannot_be_is_told(bench: Any, name: str, level: int, kind: int, reason: str) -> None:
    told = refusal(bench, (ELR, 0, SAFE), (name, level, kind))
    assert told == f"Invalid update version {level} for feature {name}. {reason}"


def test_voters_become_records_when_the_quorum_knows_them_all(bench: Any) -> None:
    assert refusal(bench, ("kraft.version", 1, UP)) == (
        "Invalid upgrade of kraft.version to KRAFT_VERSION_1 because not all of the voters "
        "support it"
    )
    bench.controller.state.can_raise_kraft_version = lambda level: level == 1
    asked = FeatureUpdateKey(feature="kraft.version", max_version_level=1, upgrade_type=UP)
    for validate_only, raised in ((True, None), (False, 1)):
        request = UpdateFeaturesRequest(feature_updates=[asked], validate_only=validate_only)
        decision = bench.controller.administer(request, 2)
        assert (decision.kraft_version, decision.records) == (raised, [])


@pytest.mark.parametrize("kind", [SAFE, UNSAFE])
def test_voters_stay_records(bench: Any, kind: int) -> None:
    bench.image.features["kraft.version"] = 1
    told = refusal(bench, ("kraft.version", 0, kind))
    assert told == (
        "Invalid update version 0 for feature kraft.version. Can't downgrade the version of this "
        "feature."
    )


@pytest.mark.parametrize("name", [n for n in SUPPORTED if SERVED[n] < SUPPORTED[n][1]])
def test_nothing_is_finalised_that_is_not_served(bench: Any, name: str) -> None:
    refused = refusal(bench, (name, SERVED[name] + 1, UP))
    assert f"for feature {name}. Local controller 1 " in refused


def test_metadata_is_not_lost_by_a_downgrade(bench: Any) -> None:
    assert refusal(bench, ("metadata.version", 29, SAFE)) == (
        "Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested "
        "downgrade because it might delete metadata information."
    )
    assert refusal(bench, ("metadata.version", 29, UNSAFE)) == (
        "Unsupported metadata.version downgrade from 30 to 29. Unsafe metadata downgrade is not "
        "supported in this version."
    )
    bench.image.features["metadata.version"] = 29
    update(bench, ("metadata.version", 25, SAFE))
    assert bench.image.features["metadata.version"] == 25
    assert refusal(bench, ("metadata.version", 26, SAFE)).endswith(
        "Can't downgrade to a newer version."
    )


def test_eligible_leaders_need_records_that_know_them(bench: Any) -> None:
    update(bench, (ELR, 0, SAFE))
    bench.image.features["metadata.version"] = 22
    assert refusal(bench, (ELR, 1, UP)).endswith("It needs metadata.version 23.")


def test_every_node_must_support_it(bench: Any) -> None:
    bench.image.brokers[1].features["metadata.version"] = (7, 29)
    bench.image.features["metadata.version"] = 29
    assert refusal(bench, ("metadata.version", 30, UP)).endswith(
        "Broker 1 only supports versions 7-29"
    )
