"""AlterClientQuotas: what can be limited, and how it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.metadata.image import MetadataImage
from minikafka.metadata.snapshot import snapshot_records
from minikafka.protocol.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntryData,
    EntityData,
    OpData,
)

Entity = dict[str, str | None]
Answer = tuple[int, str | None]


def entry(entity: Entity, *operations: tuple[str, float | None]) -> Any:
    """Quotas to set; a value of None removes."""
    return AlterClientQuotasRequestEntryData(
        entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in entity.items()],
        ops=[
            OpData(key=key, value=value or 0.0, remove=value is None) for key, value in operations
        ],
    )


def alter(bench: Any, *entries: Any, validate_only: bool = False) -> list[Answer]:
    request = AlterClientQuotasRequest(entries=list(entries), validate_only=validate_only)
    response = bench.take(bench.controller.administer(request, 1))
    return [(answered.error_code, answered.error_message) for answered in response.entries]


def test_quotas_are_set_changed_and_removed(bench: Any) -> None:
    user = {"user": "u"}
    changes = (("producer_byte_rate", 1000.0), ("request_percentage", 12.5))
    assert alter(bench, entry(user, *changes)) == [(0, None)]
    quotas = bench.image.client_quotas
    assert quotas == {(("user", "u"),): dict(changes)}
    before = len(bench.log)
    assert alter(bench, entry(user, changes[0])) == [(0, None)]
    assert len(bench.log) == before
    alter(bench, entry(user, ("producer_byte_rate", None), ("absent", None)))
    assert quotas == {(("user", "u"),): {"request_percentage": 12.5}}
    alter(bench, entry(user, ("request_percentage", None)))
    assert quotas == {}


def test_users_clients_addresses_and_defaults_are_told_apart(bench: Any) -> None:
    entities: list[Entity] = [
        {"user": "u"},
        {"user": None},
        {"client-id": "u"},
        {"user": "u", "client-id": "c"},
        {"user": "u", "client-id": None},
    ]
    rate = ("consumer_byte_rate", 5.0)
    answers = alter(bench, *(entry(entity, rate) for entity in entities))
    assert answers == [(0, None)] * 5
    alter(bench, entry({"ip": None}, ("connection_creation_rate", 3.0)))
    assert len(bench.image.client_quotas) == 6
    again = MetadataImage()
    for record in snapshot_records(bench.image):
        again.replay(record)
    assert again.client_quotas == bench.image.client_quotas


def test_validation_changes_nothing(bench: Any) -> None:
    good = entry({"user": "u"}, ("producer_byte_rate", 1.0))
    bad = entry({"user": "v"}, ("producer_byte_rate", -1.0))
    answers = alter(bench, good, bad, validate_only=True)
    assert answers == [(0, None), (42, "Quota producer_byte_rate must be greater than 0")]
    assert bench.image.client_quotas == {}


def test_an_entity_changes_as_a_whole_and_fails_alone(bench: Any) -> None:
    answers = alter(
        bench,
        entry({"user": "u"}, ("consumer_byte_rate", 5.0), ("nope", 1.0)),
        entry({"user": "w"}, ("consumer_byte_rate", 11.0)),
    )
    assert answers == [(42, "Invalid configuration key nope"), (0, None)]
    assert list(bench.image.client_quotas) == [(("user", "w"),)]


def test_an_entity_comes_once(bench: Any) -> None:
    rate = ("producer_byte_rate", 1.0)
    one = entry({"user": None, "client-id": "c"}, rate)
    other = entry({"client-id": "c", "user": None}, rate)
    text = "Ignoring duplicate entity ClientQuotaEntity(entries={client-id=c, user=null})"
    assert alter(bench, one, other) == [(42, text)]
    assert alter(bench, entry({"user": "u"}, rate, rate))[0][0] == 42
    assert bench.image.client_quotas == {}


@pytest.mark.parametrize(
    ("entity", "key", "value", "text"),
    [
        ({}, "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
        ({"group": "g"}, "producer_byte_rate", 1.0, "Unhandled client quota entity type: group"),
        ({"user": ""}, "producer_byte_rate", 1.0, "Empty user not supported"),
        (
            {"user": "u", "ip": "1.2.3.4"},
            "producer_byte_rate",
            1.0,
            "Invalid quota entity combination, IP entity shouldnot be combined with User or "
            "ClientId",
        ),
        (
            {"ip": "not an ip"},
            "connection_creation_rate",
            1.0,
            "not an ip is not a valid IP or resolvable host.",
        ),
        (
            {"user": "u"},
            "connection_creation_rate",
            1.0,
            "Invalid configuration key connection_creation_rate",
        ),
        (
            {"ip": "1.2.3.4"},
            "producer_byte_rate",
            1.0,
            "Invalid configuration key producer_byte_rate",
        ),
        ({"user": "u"}, "producer_byte_rate", 0.0, None),
        (
            {"user": "u"},
            "producer_byte_rate",
            1.5,
            "producer_byte_rate cannot be a fractional value.",
        ),
        (
            {"user": "u"},
            "consumer_byte_rate",
            1e19,
            "Proposed value for consumer_byte_rate is too large for a LONG.",
        ),
        (
            {"ip": "::1"},
            "connection_creation_rate",
            3e9,
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
        (
            {"user": "u"},
            "request_percentage",
            float("nan"),
            "Quota request_percentage must be greater than 0",
        ),
    ],
)
def test_what_cannot_be_limited_so_is_refused(
    bench: Any, entity: Entity, key: str, value: float, text: str | None
) -> None:
    asked = entry(entity, (key, value))
    asked.ops[0].value, asked.ops[0].remove = value, False
    (answer,) = alter(bench, asked)
    assert answer == (42, text or f"Quota {key} must be greater than 0")
    assert bench.image.client_quotas == {}


@pytest.mark.parametrize("address", ["1.2.3.4", "::1", "fe80::1%eth0", "localhost", "a.example"])
def test_addresses_and_names_of_hosts_are_limited(bench: Any, address: str) -> None:
    assert alter(bench, entry({"ip": address}, ("connection_creation_rate", 2.0))) == [(0, None)]
