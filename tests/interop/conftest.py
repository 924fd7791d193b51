"""Foreign clients and tools against a broker in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import apache, kcat
from harness.broker import RunningBroker
from harness.clients import THEIR_WARNINGS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.interop)
            item.add_marker(THEIR_WARNINGS)


@pytest.fixture(scope="session", autouse=True)
def foreign_tools() -> None:
    """An absent tool fails every test here: skipping would hide that nothing was proved."""
    kcat.executable()
    assert apache.installed(), "Apache Kafka's jars or Java 17 are absent; see `make interop`"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    with RunningBroker(tmp_path_factory.mktemp("broker")) as running:
        yield running
        running.assert_alive()
