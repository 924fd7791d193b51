"""The stage of the transcripts in this folder: a simulated cluster of whole brokers.

    > brokers N                                 N nodes, brokers and controllers in one, started
    > topic NAME 0=1,2,3 … [KEY=VALUE …]        a topic with these replicas (preferred leader first)
    > send NAME-0 VALUE [acks=1] [via=ID]       a producer sends, by default with acks=all; `via` is
                                                the node from which it hears of the cluster
    > read NAME-0 [via=ID]                      what a new consumer gets
    > kill IDS, power IDS, stop IDS, start IDS  processes; `controller` is whoever leads the quorum
    > pause ID, resume ID
    > split IDS                                 these nodes on one side, the others on the other
    > cut A B                                   these two do not hear each other
    > heal
    > reassign NAME-0 1,2,4
    > wait SECONDS
    > logs NAME-0                               what lies on each disk
    > state                                     leader, epoch, ISR and ELR of every partition
    > controller                                whether it is the same as when this was asked last

What the cluster has decided by the end of a command is told subject by subject, in their order; who
of several controllers leads is left out, for nobody has to care. Words in brackets say how things
stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from random import Random
from typing import Any

from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignableTopic,
)
from minikafka.records.record import decode_records
from minikafka.sim.cluster.climate import Climate, draw
from minikafka.sim.cluster.log_files import LogReader, log_end
from minikafka.sim.cluster.world import World
from minikafka.sim.loop import simulation
from minikafka.sim.node import LOG_DIR
from minikafka_client import Admin, Consumer, NewTopic, Producer
from minikafka_client.errors import BrokerError, ClientError, Timeout

_PATIENCE_MS = 3_000
_OPTIONS: Any = {
    "api_timeout_ms": _PATIENCE_MS,
    "request_timeout_ms": _PATIENCE_MS / 3,
}


def calm(shape: str) -> Climate:
    """Good weather, Kafka's default settings but for what a reader need not wait for."""
    climate = draw(Random("calm").random, shape, ())
    settings = {
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "replica.lag.time.max.ms": "2000",
        "replica.fetch.wait.max.ms": "100",
        "auto.leader.rebalance.enable": "false",
    }
    return climate._replace(
        settings=settings,
        dynamic_voters=False,
        topics=(),
        flush_s=0.002,
        jitter_s=0.0003,
        rates=(1.0,),
    )


class Stage:
    """The cluster of one transcript."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._told = 0
        self._cuts: list[tuple[str, str]] = []
        self._clients = 0
        self._controller_was: tuple[int, int] | None = None
        self._world: World

    def close(self) -> None:
        self._open.close()

    def play(self, command: str) -> list[str]:
        name, *words = command.split()
        said = getattr(self, f"_{name}")(words)
        story = self._world.verdict.story
        by_subject: dict[str, list[str]] = {}
        for _, what in story[self._told :]:
            subject = _subject(what)
            if subject != "controller":
                by_subject.setdefault(subject, []).append(f"  {what}")
        self._told = len(story)
        return [*(line for subject in sorted(by_subject) for line in by_subject[subject]), *said]

    # -- time -------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._world.loop.run_until_complete(work)

    def _wait(self, words: list[str]) -> list[str]:
        self._run(asyncio.sleep(float(words[0])))
        return []

    # -- nodes ------------------------------------------------------------------------------------

    def _brokers(self, words: list[str]) -> list[str]:
        loop = self._open.enter_context(simulation("transcript"))
        self._world = World(loop, calm(words[0]), [])
        for node in self._world.nodes.values():
            node.start()
        self._run(asyncio.sleep(3))
        self._told = len(self._world.verdict.story)  # how a cluster begins is another story
        return []

    def _ids(self, words: list[str]) -> list[int]:
        leaders = self._world.metadata.leaders
        return [leaders[max(leaders)] if word == "controller" else int(word) for word in words]

    def _kill(self, words: list[str]) -> list[str]:
        for node_id in self._ids(words):
            self._world.nodes[node_id].crash(power=False)
        return []

    def _power(self, words: list[str]) -> list[str]:
        for node_id in self._ids(words):
            self._world.nodes[node_id].disk.loss = "lose"
            self._world.nodes[node_id].crash(power=True)
        return []

    def _stop(self, words: list[str]) -> list[str]:
        for node_id in self._ids(words):
            node = self._world.nodes[node_id]
            node.stop()
            self._run(node.down.wait())
        return []

    def _start(self, words: list[str]) -> list[str]:
        for node_id in self._ids(words):
            self._world.nodes[node_id].start()
        self._run(asyncio.sleep(2))
        return []

    def _pause(self, words: list[str]) -> list[str]:
        for node_id in self._ids(words):
            self._world.nodes[node_id].machine.pause()
        return []

    def _resume(self, words: list[str]) -> list[str]:
        for node_id in self._ids(words):
            self._world.nodes[node_id].machine.resume()
        return []

    # -- network ----------------------------------------------------------------------------------

    def _split(self, words: list[str]) -> list[str]:
        nodes = self._world.nodes
        side = self._ids(words)
        pairs = [(one, other) for one in side for other in nodes if other not in side]
        self._hold([(nodes[a].machine.name, nodes[b].machine.name) for a, b in pairs])
        return []

    def _cut(self, words: list[str]) -> list[str]:
        one, other = (self._world.nodes[node_id].machine.name for node_id in self._ids(words))
        self._hold([(one, other)])
        return []

    def _hold(self, pairs: list[tuple[str, str]]) -> None:
        for pair in pairs:
            self._world.loop.network.cut(*pair, lose=True)
            self._cuts.append(pair)

    def _heal(self, words: list[str]) -> list[str]:
        cuts, self._cuts = self._cuts, []
        for pair in cuts:
            self._world.loop.network.heal(*pair)
        return []

    # -- clients ----------------------------------------------------------------------------------

    def _as_client(self, work: Coroutine[Any, Any, list[str]]) -> list[str]:
        self._clients += 1
        machine = self._world.loop.machine(f"client{self._clients}")

        async def told() -> list[str]:
            try:
                return await work
            except Timeout:
                return ["[no answer]"]
            except BrokerError as error:
                return [f"[{error.code.name}]"]
            except ClientError as error:
                return [f"[{error}]"]

        task = machine.start(told)

        async def until_done() -> list[str]:
            return await task

        said: list[str] = self._run(until_done())
        return said

    def _topic(self, words: list[str]) -> list[str]:
        options = dict(word.split("=") for word in words[1:])
        replicas = {
            int(key): [int(each) for each in value.split(",")]
            for key, value in options.items()
            if key.isdecimal()
        }
        configs = {key: value for key, value in options.items() if not key.isdecimal()}
        topic = NewTopic(words[0], assignments=replicas, configs=configs)

        async def create() -> list[str]:
            async with Admin(_bootstrap(self._world), **_OPTIONS) as admin:
                await admin.create_topic(topic)
            return []

        return [*self._as_client(create()), *self._state([])]

    def _send(self, words: list[str]) -> list[str]:
        topic, _, index = words[0].rpartition("-")
        acks: Any = 1 if "acks=1" in words else "all"

        async def send() -> list[str]:
            async with Producer(
                _bootstrap(self._world, words),
                acks=acks,
                delivery_timeout_ms=_PATIENCE_MS,
                request_timeout_ms=_PATIENCE_MS / 3,
            ) as producer:
                told = await producer.send(topic, words[1].encode(), partition=int(index))
            return [f"[acknowledged at offset {told.offset}]"]

        return self._as_client(send())

    def _read(self, words: list[str]) -> list[str]:
        topic, _, index = words[0].rpartition("-")
        place = (topic, int(index))

        async def read() -> list[str]:
            found: list[str] = []
            async with Consumer(
                _bootstrap(self._world, words), start="earliest", **_OPTIONS
            ) as consumer:
                (end,) = (await consumer.end_offsets([place])).values()
                consumer.assign([place])
                while await consumer.position(place) < end:
                    batch = await consumer.next_batch(timeout_ms=_PATIENCE_MS)
                    if batch is None:
                        return [*found, "[no answer]"]
                    found += [(record.value or b"").decode() for record in batch.records()]
            return [f"[{' '.join(found) or 'nothing'}]"]

        return self._as_client(read())

    def _reassign(self, words: list[str]) -> list[str]:
        topic, _, index = words[0].rpartition("-")
        replicas = [int(each) for each in words[1].split(",")]
        wanted = ReassignablePartition(partition_index=int(index), replicas=replicas)
        request = AlterPartitionReassignmentsRequest(
            topics=[ReassignableTopic(name=topic, partitions=[wanted])], timeout_ms=_PATIENCE_MS
        )

        async def reassign() -> list[str]:
            async with Admin(_bootstrap(self._world), **_OPTIONS) as admin:
                deadline = admin._deadline(None)
                kind = AlterPartitionReassignmentsResponse
                await admin._ask(request, kind, lambda answer: None, deadline)
                await asyncio.sleep(2)
            return []

        return self._as_client(reassign())

    def _controller(self, words: list[str]) -> list[str]:
        leaders = self._world.metadata.leaders
        before, self._controller_was = self._controller_was, max(leaders.items())
        if before is None:
            return ["[there is one]"]
        return ["[the same]" if before == self._controller_was else "[another one]"]

    # -- how things stand -------------------------------------------------------------------------

    def _logs(self, words: list[str]) -> list[str]:
        lines = []
        for node_id, node in self._world.nodes.items():
            directory = f"{LOG_DIR}/{words[0]}"
            if node.disk.names.find(directory) is None:
                continue
            reader = LogReader(node.disk, directory)
            values = [
                (record.value or b"").decode()
                for batch in reader.below(log_end(node.disk, directory))
                for record in decode_records(batch.data)
            ]
            down = " (down)" if node.down.is_set() else ""
            lines.append(f"[on {node_id}{down}: {' '.join(values) or 'nothing'}]")
        return lines

    def _state(self, words: list[str]) -> list[str]:
        image = self._world.metadata.image
        return [
            f"[{topic.name}-{index}: {_leader(p.leader)} in epoch {p.leader_epoch}, "
            f"ISR {_ids(p.isr)}{f', ELR {_ids(p.elr)}' if p.elr else ''}]"
            for topic, index, p in image.partitions()
            if not topic.name.startswith("__")
        ]


def _bootstrap(world: World, words: Sequence[str] = ()) -> str:
    """Those that are up: how long a client waits for others is not told here."""
    named = [int(word.removeprefix("via=")) for word in words if word.startswith("via=")]
    up = [
        node for node_id in named or world.nodes if not (node := world.nodes[node_id]).down.is_set()
    ]
    return ",".join(node.address for node in up if node.machine.name.startswith("b"))


def _subject(what: str) -> str:
    """A partition, `broker N`, `node N` (a log that is cut goes with its partition) or what begins
    the sentence."""
    words = what.split()
    if words[0] == "node" and words[2] == "cuts":
        return f"{words[3]}:"
    return f"{words[0]} {words[1]}" if words[0] == "broker" else words[0]


def _leader(broker_id: int) -> str:
    return "no leader" if broker_id < 0 else f"leader {broker_id}"


def _ids(brokers: list[int]) -> str:
    return " ".join(map(str, sorted(brokers))) or "empty"
