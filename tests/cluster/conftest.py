"""A broker in a process of its own for the Python clients; nothing here needs a foreign tool."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.broker import RunningBroker
from harness.clients import THEIR_WARNINGS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(THEIR_WARNINGS)
            if "own_broker" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.own_broker)


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """For tests that leave it running and keep to topics of their own."""
    with RunningBroker(tmp_path_factory.mktemp("shared")) as running:
        yield running
        running.assert_alive()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """For tests that kill it, stop it or look into its files."""
    with RunningBroker(tmp_path) as running:
        yield running
