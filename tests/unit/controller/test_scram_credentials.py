"""AlterUserScramCredentials: credentials are stored as the keys that RFC 5802 derives."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)

SHA_256, SHA_512 = 1, 2


def setting(user: str, mechanism: int = SHA_256, **fields: Any) -> ScramCredentialUpsertion:
    values: dict[str, Any] = {"iterations": 4096, "salt": b"salt", "salted_password": b"p" * 32}
    return ScramCredentialUpsertion(name=user, mechanism=mechanism, **values | fields)


def deleting(user: str, mechanism: int = SHA_256) -> ScramCredentialDeletion:
    return ScramCredentialDeletion(name=user, mechanism=mechanism)


def alter(bench: Any, *changes: Any) -> dict[str, tuple[int, str | None]]:
    request = AlterUserScramCredentialsRequest(
        deletions=[change for change in changes if isinstance(change, ScramCredentialDeletion)],
        upsertions=[change for change in changes if isinstance(change, ScramCredentialUpsertion)],
    )
    response = bench.take(bench.controller.administer(request, 0))
    assert len({result.user for result in response.results}) == len(response.results)
    return {result.user: (result.error_code, result.error_message) for result in response.results}


def test_the_keys_are_those_of_the_rfc(bench: Any) -> None:
    """The exchange of RFC 7677 proves the same password: user, pencil, 4096 rounds."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, 4096)
    changed = alter(bench, setting("user", salt=salt, salted_password=salted))
    assert changed == {"user": (0, None)}
    stored = bench.image.scram_credentials["user", SHA_256]
    assert stored.salt == salt
    assert stored.iterations == 4096
    assert salted not in (stored.stored_key, stored.server_key)
    # Of the RFC's own exchange: the client's proof opens with this stored key …
    said = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = hmac_sha256(stored.stored_key, said)
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored.stored_key
    # … and the server signs with this server key.
    signed = base64.b64encode(hmac_sha256(stored.server_key, said))
    assert signed == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC from its definition (RFC 2104)."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + data).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner).digest()


def test_credentials_are_replaced_and_deleted_by_mechanism(bench: Any) -> None:
    alter(bench, setting("al"))
    alter(bench, setting("al", SHA_512, iterations=8192))
    alter(bench, setting("al", SHA_512, iterations=16384))
    credentials = bench.image.scram_credentials
    assert {key: record.iterations for key, record in credentials.items()} == {
        ("al", SHA_256): 4096,
        ("al", SHA_512): 16384,
    }
    assert len(credentials["al", SHA_512].stored_key) == 64
    assert alter(bench, deleting("al")) == {"al": (0, None)}
    assert list(credentials) == [("al", SHA_512)]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (setting("x", iterations=4095), 93, "Too few iterations"),
        (setting("x", iterations=16385), 93, "Too many iterations"),
        (setting("x", 3), 33, "Unknown SCRAM mechanism"),
        (setting("x", 0, iterations=1), 33, "Unknown SCRAM mechanism"),
        (setting("", 9), 93, "Username must not be empty"),
        (setting("x", salted_password=b""), 93, "The salted password must not be empty"),
        (deleting(""), 93, "Username must not be empty"),
        (deleting("x", 3), 33, "Unknown SCRAM mechanism"),
        (deleting("x"), 91, "Attempt to delete a user credential that does not exist"),
    ],
)
def test_mistakes_are_told(bench: Any, change: Any, code: int, text: str) -> None:
    assert alter(bench, change, setting("other")) == {change.name: (code, text), "other": (0, None)}
    assert list(bench.image.scram_credentials) == [("other", SHA_256)]


def test_a_user_changes_once(bench: Any) -> None:
    twice = {
        "al": (
            ErrorCode.DUPLICATE_RESOURCE,
            "A user credential cannot be altered twice in the same request",
        )
    }
    assert alter(bench, setting("al"), setting("al", SHA_512)) == twice
    assert alter(bench, deleting("al"), setting("al")) == twice
    assert bench.image.scram_credentials == {}


def test_an_old_metadata_version_cannot_keep_them(bench: Any) -> None:
    bench.image.features["metadata.version"] = 10
    with pytest.raises(KafkaError) as refused:
        alter(bench, setting("al"))
    assert refused.value.code is ErrorCode.UNSUPPORTED_VERSION
