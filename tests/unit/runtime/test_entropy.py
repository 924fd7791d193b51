"""Ids that Kafka's tools can take as arguments."""

from base64 import urlsafe_b64encode
from random import Random

from minikafka.runtime.entropy import random_source, random_uuid


def test_ids_are_version_4_unlike_options_and_repeatable() -> None:
    random = Random(7)
    ids = [random_uuid(random) for _ in range(2000)]
    assert len(set(ids)) == 2000
    for value in ids:
        assert value.version == 4
        assert not urlsafe_b64encode(value.bytes).startswith(b"-")
    again = Random(7)
    assert [random_uuid(again) for _ in range(2000)] == ids


def test_each_source_is_its_own() -> None:
    assert random_source().getrandbits(128) != random_source().getrandbits(128)
