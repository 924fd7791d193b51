"""Three voters on real directories and sockets, and what they answer to whom they do not know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from harness.broker import free_port
from harness.quorum_hosts import CLUSTER_ID, QuorumProcess, node_settings, values

from minikafka.channel.channel import Channel, open_channel
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse
from minikafka.protocol.messages.fetch_snapshot import FetchSnapshotResponse
from minikafka.protocol.messages.vote import VoteResponse
from minikafka.raft.messages import fetch_request, snapshot_request, vote_request
from minikafka.runtime.local_disk import LocalDisk

Voters = dict[int, QuorumProcess]
STRANGER = (9, UUID(int=9))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)


def first_fetch(cluster_id: str | None, epoch: int, *, max_wait_ms: int) -> FetchRequest:
    """What a replica that has nothing asks a leader of this epoch for."""
    return fetch_request(
        cluster_id,
        STRANGER,
        epoch=epoch,
        offset=0,
        last_epoch=0,
        high_watermark=-1,
        max_wait_ms=max_wait_ms,
        max_bytes=1 << 20,
    )


class Quorum:
    """The running ones by id, and how to start one."""

    def __init__(self, path: Path) -> None:
        self.addresses = {node_id: ("127.0.0.1", free_port()) for node_id in (1, 2, 3)}
        self.running: Voters = {}
        self._path = path

    async def start(self, node_id: int) -> None:
        settings = node_settings(node_id, self.addresses, str(self._path / str(node_id)))
        process = QuorumProcess(settings, LocalDisk("data"), LocalDisk("metadata"))
        self.running[node_id] = process
        await process.start()

    async def stop(self, node_id: int) -> None:
        await self.running.pop(node_id).stop()

    def leader(self) -> QuorumProcess | None:
        return next((p for p in self.running.values() if p.quorum.is_leader), None)

    async def elected(self) -> QuorumProcess:
        await until(self.leader)
        leader = self.leader()
        assert leader is not None
        return leader

    async def open(self, node_id: int) -> Channel:
        host, port = self.addresses[node_id]
        return await open_channel(host, port, client_id="test", timeout_s=10)


@pytest.fixture
async def quorum(tmp_path: Path) -> AsyncIterator[Quorum]:
    made = Quorum(tmp_path)
    for node_id in made.addresses:
        await made.start(node_id)
    yield made
    for node_id in list(made.running):
        await made.running.pop(node_id).stop(resign=False)


async def test_a_stopped_leader_is_followed_by_another_and_catches_up_again(
    quorum: Quorum,
) -> None:
    first = await quorum.elected()
    offset = await first.write("a", "1")
    await until(lambda: all(p.quorum.image.offset >= offset for p in quorum.running.values()))
    stopped = first.quorum.node_id
    await quorum.stop(stopped)
    second = await quorum.elected()
    assert second.quorum.node_id != stopped
    offset = await second.write("b", "2")
    await quorum.start(stopped)
    again = quorum.running[stopped].quorum
    await until(lambda: again.image.offset >= offset)
    assert values(again.image) == {"a": "1", "b": "2"}
    assert again.leader_id == second.quorum.node_id
    assert not any(process.failures for process in quorum.running.values())


async def test_the_last_one_has_nobody_to_hand_over_to(quorum: Quorum) -> None:
    last = (await quorum.elected()).quorum
    others = [node_id for node_id in quorum.running if node_id != last.node_id]
    assert await last.may_elect()
    await quorum.running.pop(others[0]).stop(resign=False)
    assert await last.may_elect()
    await quorum.running.pop(others[1]).stop(resign=False)
    assert not await last.may_elect()
    async with asyncio.timeout(30):
        await last.resign(1000)


async def test_what_strangers_are_told(quorum: Quorum) -> None:
    leader = (await quorum.elected()).quorum
    channel = await quorum.open(leader.node_id)
    vote = vote_request(
        "another-cluster-000000",
        STRANGER,
        (-1, UUID(int=0)),
        epoch=1,
        last_epoch=0,
        end_offset=0,
        pre_vote=True,
    )
    assert (await channel.call(vote, VoteResponse, 10)).error_code == (
        ErrorCode.INCONSISTENT_CLUSTER_ID
    )
    fetch = first_fetch(CLUSTER_ID, leader.leader_epoch, max_wait_ms=0)
    told = await channel.call(fetch, FetchResponse, 10)
    (partition,) = told.responses[0].partitions
    assert partition.error_code == 0
    assert partition.records
    fetch.topics[0].topic_id = UUID(int=77)
    told = await channel.call(fetch, FetchResponse, 10)
    assert told.error_code == ErrorCode.INVALID_REQUEST
    snapshot = snapshot_request(
        CLUSTER_ID,
        STRANGER,
        epoch=leader.leader_epoch,
        snapshot=(77, 1),
        position=0,
        max_bytes=1 << 20,
    )
    missing = await channel.call(snapshot, FetchSnapshotResponse, 10)
    assert missing.topics[0].partitions[0].error_code == ErrorCode.SNAPSHOT_NOT_FOUND
    channel.close()


async def test_who_does_not_lead_names_the_leader(quorum: Quorum) -> None:
    leader = (await quorum.elected()).quorum
    others = [p.quorum for p in quorum.running.values() if p.quorum is not leader]
    await until(lambda: all(other.leader_id == leader.node_id for other in others))
    channel = await quorum.open(others[0].node_id)
    fetch = first_fetch(None, leader.leader_epoch, max_wait_ms=500)
    told = await channel.call(fetch, FetchResponse, 10)
    (partition,) = told.responses[0].partitions
    assert partition.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert partition.current_leader.leader_id == leader.node_id
    assert [(e.host, e.port) for e in told.node_endpoints] == [quorum.addresses[leader.node_id]]
    channel.close()
