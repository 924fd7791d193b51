"""Which partition is whose: Java's string hash, as clients and other brokers compute it."""

import pytest

from minikafka.coordinators.runtime.host import java_hash, partition_for


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("polygenelubricants", -(2**31)),
        ("grüße", 98768023),
        ("𝄞", 0xD834 * 31 + 0xDD1E),
    ],
)
def test_java_hash(text: str, value: int) -> None:
    assert java_hash(text) == value


def test_the_sign_is_cleared_not_negated() -> None:
    assert partition_for("polygenelubricants", 50) == 0
    assert all(0 <= partition_for(f"group-{n}", 50) < 50 for n in range(1000))
