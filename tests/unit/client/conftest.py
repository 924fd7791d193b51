"""A scripted cluster for the tests of what clients do about brokers that fail."""

from collections.abc import AsyncIterator

import pytest
from harness.scripted import ScriptedCluster


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedCluster]:
    cluster = ScriptedCluster()
    for node in cluster.nodes:
        await node.start()
    yield cluster
    for node in cluster.nodes:
        await node.stop()
