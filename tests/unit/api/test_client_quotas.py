"""DescribeClientQuotas: filters over the quotas in the metadata."""

from typing import Any

import pytest

from minikafka.protocol.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
)
from minikafka.protocol.records.metadata.client_quota_record import ClientQuotaRecord, EntityData

EXACT, DEFAULT, ANY = range(3)
Component = tuple[str, int, str | None]

ENTITIES: dict[str, dict[str, str | None]] = {
    "u": {"user": "u"},
    "any user": {"user": None},
    "c": {"client-id": "c"},
    "u with c": {"user": "u", "client-id": "c"},
    "u with any": {"user": "u", "client-id": None},
    "address": {"ip": "1.2.3.4"},
}


@pytest.fixture
async def limited(cluster: Any) -> Any:
    """Each entity has a rate of its own, by which the tests know it."""
    for rate, entity in enumerate(ENTITIES.values(), 1):
        parts = [EntityData(entity_type=kind, entity_name=name) for kind, name in entity.items()]
        cluster.replay(ClientQuotaRecord(entity=parts, key="rate", value=float(rate)))
    return cluster


async def describe(cluster: Any, *components: Component, strict: bool = False) -> list[str]:
    answer = await ask(cluster, components, strict=strict)
    assert (answer.error_code, answer.error_message) == (0, "")
    names = list(ENTITIES)
    found = []
    for entry in answer.entries:
        (value,) = entry.values
        name = names[int(value.value) - 1]
        assert {e.entity_type: e.entity_name for e in entry.entity} == ENTITIES[name]
        found.append(name)
    return sorted(found)


async def ask(
    cluster: Any, components: tuple[Component, ...], *, strict: bool = False, version: int = 1
) -> Any:
    request = DescribeClientQuotasRequest(
        components=[
            ComponentData(entity_type=kind, match_type=how, match=match)
            for kind, how, match in components
        ],
        strict=strict,
    )
    return await cluster.ask(request, version)


async def test_filters_find_what_they_match(limited: Any) -> None:
    assert await describe(limited) == sorted(ENTITIES)
    assert await describe(limited, ("user", EXACT, "u")) == ["u", "u with any", "u with c"]
    assert await describe(limited, ("user", DEFAULT, None)) == ["any user"]
    users = ["any user", "u", "u with any", "u with c"]
    assert await describe(limited, ("user", ANY, None)) == users
    assert await describe(limited, ("client-id", DEFAULT, None)) == ["u with any"]
    both: tuple[Component, ...] = (("user", EXACT, "u"), ("client-id", EXACT, "c"))
    assert await describe(limited, *both) == ["u with c"]
    assert await describe(limited, ("ip", EXACT, "1.2.3.4")) == ["address"]
    assert await describe(limited, ("user", EXACT, "nobody")) == []


async def test_a_strict_filter_wants_nothing_else(limited: Any) -> None:
    assert await describe(limited, strict=True) == []
    assert await describe(limited, ("user", EXACT, "u"), strict=True) == ["u"]
    assert await describe(limited, ("user", ANY, None), strict=True) == ["any user", "u"]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize(
    ("components", "code", "text"),
    [
        ([("group", EXACT, "x")], 35, "Unsupported entity type group"),
        ([("", EXACT, "x")], 42, "Invalid empty entity type."),
        ([("user", 3, None)], 42, "Unknown match type 3"),
        (
            [("user", EXACT, "u"), ("user", ANY, None)],
            42,
            "Entity type user cannot appear more than once in the filter.",
        ),
        (
            [("user", ANY, None), ("ip", ANY, None)],
            42,
            "Invalid entity filter component combination. IP filter component should not be used "
            "with user or clientId filter component.",
        ),
        (
            [("user", EXACT, None)],
            42,
            "Request specified MATCH_TYPE_EXACT, but set match string to null.",
        ),
        (
            [("user", DEFAULT, "x")],
            42,
            "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.",
        ),
        (
            [("user", ANY, "x")],
            42,
            "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.",
        ),
    ],
)
async def test_a_filter_without_sense_is_refused(
    limited: Any, components: list[Component], code: int, text: str, version: int
) -> None:
    answer = await ask(limited, tuple(components), version=version)
    assert (answer.error_code, answer.error_message, answer.entries) == (code, text, None)
