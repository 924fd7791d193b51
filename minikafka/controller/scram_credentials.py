"""AlterUserScramCredentials (51): what SCRAM logins are checked against, as metadata (KIP-554).

The client sends the salted password; what is stored are two keys derived from it (RFC 5802), from
which nobody can log in. A user is changed by one entry of a request, and fails alone.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from minikafka.controller.decision import Decision
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from minikafka.protocol.records.metadata.remove_user_scram_credential_record import (
    RemoveUserScramCredentialRecord,
)
from minikafka.protocol.records.metadata.user_scram_credential_record import (
    UserScramCredentialRecord,
)

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord

FEATURE_3_5_IV2: Final = 11
"""The metadata.version that first has these records."""
MIN_ITERATIONS: Final = 4096
MAX_ITERATIONS: Final = 16384
HASHES: Final = {1: "sha256", 2: "sha512"}
"""SCRAM-SHA-256 and SCRAM-SHA-512."""


def decide(
    state: ControllerState, request: AlterUserScramCredentialsRequest, version: int
) -> Decision[AlterUserScramCredentialsResponse]:
    """Delete and set credentials. KafkaError 35 where the metadata.version lacks them."""
    if state.metadata_version < FEATURE_3_5_IV2:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_VERSION, "The current metadata version does not support SCRAM"
        )
    changes: dict[str, list[ScramCredentialDeletion | ScramCredentialUpsertion]] = {}
    for deletion in request.deletions:
        changes.setdefault(deletion.name, []).append(deletion)
    for upsertion in request.upsertions:
        changes.setdefault(upsertion.name, []).append(upsertion)
    records: list[MetadataRecord] = []
    results = []
    for user, asked in changes.items():
        result = AlterUserScramCredentialsResult(user=user, error_message=None)
        try:
            if len(asked) > 1:
                raise KafkaError(
                    ErrorCode.DUPLICATE_RESOURCE,
                    "A user credential cannot be altered twice in the same request",
                )
            records.append(_record(state, asked[0]))
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.message
        results.append(result)
    return Decision(records, AlterUserScramCredentialsResponse(results=results))


def _record(
    state: ControllerState, change: ScramCredentialDeletion | ScramCredentialUpsertion
) -> MetadataRecord:
    """Raises KafkaError: 93 unacceptable, 33 unknown mechanism, 91 nothing there to delete."""
    if not change.name:
        raise _unacceptable("Username must not be empty")
    hash_name = HASHES.get(change.mechanism)
    if hash_name is None:
        raise KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
    if isinstance(change, ScramCredentialUpsertion):
        return _credential(change, hash_name)
    if (change.name, change.mechanism) not in state.image.scram_credentials:
        raise KafkaError(
            ErrorCode.RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist"
        )
    return RemoveUserScramCredentialRecord(name=change.name, mechanism=change.mechanism)


def _credential(change: ScramCredentialUpsertion, hash_name: str) -> UserScramCredentialRecord:
    if change.iterations < MIN_ITERATIONS:
        raise _unacceptable("Too few iterations")
    if change.iterations > MAX_ITERATIONS:
        raise _unacceptable("Too many iterations")
    salted = bytes(change.salted_password)
    if not salted:
        raise _unacceptable("The salted password must not be empty")
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    return UserScramCredentialRecord(
        name=change.name,
        mechanism=change.mechanism,
        salt=bytes(change.salt),
        stored_key=hashlib.new(hash_name, client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", hash_name),
        iterations=change.iterations,
    )


def _unacceptable(text: str) -> KafkaError:
    return KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, text)
