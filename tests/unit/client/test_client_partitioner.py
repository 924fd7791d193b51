"""Keys go where Java's producer sends them; the hashes are those of Kafka's own test."""

from random import Random

import pytest

from minikafka_client.partitioner import murmur2, other_partition, partition_for_key


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_are_javas(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_a_key_has_one_partition_and_keys_use_all() -> None:
    found = {partition_for_key(b"%d" % number, 7) for number in range(200)}
    assert found == set(range(7))


def test_another_partition_is_another_one_if_there_is_any() -> None:
    random = Random(1)
    assert all(other_partition(random, [0, 1, 2], 1) != 1 for _ in range(50))
    assert other_partition(random, [4], 4) == 4
