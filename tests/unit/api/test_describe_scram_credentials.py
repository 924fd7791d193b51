"""DescribeUserScramCredentials: who has credentials, and never which."""

from typing import Any

import pytest

from minikafka.protocol.messages.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    UserName,
)
from minikafka.protocol.records.metadata.user_scram_credential_record import (
    UserScramCredentialRecord,
)


@pytest.fixture
async def users(cluster: Any) -> Any:
    for name, mechanism, iterations in (("al", 1, 4096), ("bo", 2, 5000), ("al", 2, 8192)):
        cluster.replay(
            UserScramCredentialRecord(
                name=name,
                mechanism=mechanism,
                salt=b"salt",
                stored_key=b"a secret",
                server_key=b"a secret",
                iterations=iterations,
            )
        )
    return cluster


async def describe(cluster: Any, users: list[str] | None) -> dict[str, Any]:
    asked = None if users is None else [UserName(name=name) for name in users]
    answer = await cluster.ask(DescribeUserScramCredentialsRequest(users=asked), 0)
    assert (answer.error_code, answer.error_message) == (0, "")
    return {
        result.user: [(info.mechanism, info.iterations) for info in result.credential_infos]
        or (result.error_code, result.error_message)
        for result in answer.results
    }


@pytest.mark.parametrize("everybody", [None, []])
async def test_nobody_named_means_everybody(users: Any, everybody: list[str] | None) -> None:
    assert await describe(users, everybody) == {
        "al": [(1, 4096), (2, 8192)],
        "bo": [(2, 5000)],
    }


async def test_users_are_described_by_name(users: Any) -> None:
    assert await describe(users, ["bo", "zz", "al", "al"]) == {
        "bo": [(2, 5000)],
        "zz": (91, "Attempt to describe a user credential that does not exist: zz"),
        "al": (
            92,
            "Cannot describe SCRAM credentials for the same user twice in a single request: al",
        ),
    }
