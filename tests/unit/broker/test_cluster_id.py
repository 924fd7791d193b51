"""Which cluster an empty disk is for: asked of a controller, or derived from the voters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from harness.broker import free_port
from unit.broker.conftest import node_settings
from unit.broker.controller_stage import ControllerStage

from minikafka.broker.cluster_id import derived_cluster_id, find_cluster_id
from minikafka.settings.quorum import parse_voters


@pytest.fixture
async def stage(make_node: Any) -> AsyncIterator[ControllerStage]:
    stage = await ControllerStage(await make_node()).start()
    yield stage
    await stage.stop()


def test_nodes_with_the_same_voters_derive_the_same_cluster() -> None:
    one, two = parse_voters("1@a:9093,2@b:9093"), parse_voters("2@b:9093,1@a:9093")
    assert derived_cluster_id(one) == derived_cluster_id(two)
    assert len(derived_cluster_id(one)) == 22
    assert derived_cluster_id(one) != derived_cluster_id(parse_voters("1@a:9093,2@b:9094"))


async def test_a_controller_that_is_there_is_asked(stage: ControllerStage, tmp_path: Path) -> None:
    voters = f"2@127.0.0.1:9093,3@127.0.0.1:{free_port()},1@127.0.0.1:{stage.port}"
    settings = node_settings(tmp_path, node_id="2", controller_quorum_voters=voters)
    assert await find_cluster_id(settings) == stage.node.storage.cluster_id


async def test_where_nobody_answers_the_voters_say_it(tmp_path: Path) -> None:
    voters = f"2@127.0.0.1:9093,3@127.0.0.1:{free_port()}"
    settings = node_settings(tmp_path, node_id="2", controller_quorum_voters=voters)
    assert await find_cluster_id(settings) == derived_cluster_id(parse_voters(voters))


async def test_who_knows_no_voters_waits_for_a_controller(
    stage: ControllerStage, tmp_path: Path
) -> None:
    servers = f"127.0.0.1:{free_port()}"
    settings = node_settings(tmp_path, node_id="2", controller_quorum_bootstrap_servers=servers)
    asked = asyncio.ensure_future(find_cluster_id(settings))
    done, _ = await asyncio.wait([asked], timeout=0.1)
    assert not done
    asked.cancel()
    answering = f"{servers},127.0.0.1:{stage.port}"
    settings = node_settings(tmp_path, node_id="2", controller_quorum_bootstrap_servers=answering)
    assert await find_cluster_id(settings) == stage.node.storage.cluster_id
