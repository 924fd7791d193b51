"""DescribeUserScramCredentials (50, v0) and AlterUserScramCredentials (51, v0): KIP-554.

Credentials are metadata. What is told of them is mechanism and iterations, never a key.
"""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles, per_item
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
)
from minikafka.protocol.messages.describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)
from minikafka.protocol.types import Message


@handles(ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS)
def describe_user_scram_credentials(
    context: NodeContext, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    """The mechanisms of the users asked for; null or none asks for all."""
    found: dict[str, list[CredentialInfo]] = {}
    for (user, mechanism), record in context.services.image.scram_credentials.items():
        found.setdefault(user, []).append(
            CredentialInfo(mechanism=mechanism, iterations=record.iterations)
        )
    asked = [user.name for user in request.users or []]

    def describe(user: str) -> DescribeUserScramCredentialsResult:
        if asked.count(user) > 1:
            raise KafkaError(
                ErrorCode.DUPLICATE_RESOURCE,
                "Cannot describe SCRAM credentials for the same user twice in a single request: "
                f"{user}",
            )
        if user not in found:
            raise KafkaError(
                ErrorCode.RESOURCE_NOT_FOUND,
                f"Attempt to describe a user credential that does not exist: {user}",
            )
        return DescribeUserScramCredentialsResult(user=user, credential_infos=found[user])

    users = dict.fromkeys(asked or found)
    return DescribeUserScramCredentialsResponse(results=per_item(users, describe, _unknown))


def _unknown(user: str, error: KafkaError) -> DescribeUserScramCredentialsResult:
    return DescribeUserScramCredentialsResult(
        user=user, error_code=int(error.code), error_message=error.message
    )


def refuse_alteration(
    context: NodeContext, request: AlterUserScramCredentialsRequest, error: KafkaError
) -> AlterUserScramCredentialsResponse:
    """The error at every user."""
    users = [deletion.name for deletion in request.deletions]
    users += [upsertion.name for upsertion in request.upsertions]
    return AlterUserScramCredentialsResponse(
        results=[
            AlterUserScramCredentialsResult(
                user=user, error_code=int(error.code), error_message=error.message
            )
            for user in dict.fromkeys(users)
        ]
    )


@handles(ApiKey.ALTER_USER_SCRAM_CREDENTIALS, refusal=refuse_alteration)
async def alter_user_scram_credentials(
    context: NodeContext, request: AlterUserScramCredentialsRequest
) -> Message:
    """Have the controller change credentials."""
    return await context.ask_controller(request)
