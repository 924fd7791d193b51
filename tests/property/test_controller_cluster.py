"""A controller of five brokers in any order of events: what it decides must hold together.

The model of `harness.controller_world` knows what each replica holds, so it can say whether an
election has lost what was acknowledged, not only whether the ISR looks right.
"""

from __future__ import annotations

from typing import Any

from harness.controller_world import Broker, ControllerWorld
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from minikafka.metadata.loader import MetadataLoader
from minikafka.metadata.snapshot import snapshot_records
from minikafka.metadata.topic_image import NO_LEADER
from minikafka.protocol.messages.unregister_broker import UnregisterBrokerRequest

BROKERS = st.integers(1, 5)
TOPICS = st.sampled_from(["t", "u"])
REPLICAS = st.lists(BROKERS, unique=True, min_size=1, max_size=4)


class ControllerMachine(RuleBasedStateMachine):
    """`epochs` and `unclean` are what each partition was seen to be before."""

    elr = True

    def __init__(self) -> None:
        super().__init__()
        self.epochs: dict[str, tuple[int, int]] = {}

    @initialize(min_isr=st.integers(1, 3), unclean=st.booleans(), replicas=REPLICAS)
    def begin(self, min_isr: int, unclean: bool, replicas: list[int]) -> None:
        self.world = ControllerWorld(5, elr=self.elr, unclean=unclean, min_isr=min_isr)
        for broker_id in self.world.brokers:
            self.world.start(broker_id)
            self.world.apply(broker_id)
            self.world.heartbeat(broker_id)
        assert self.world.create("t", replicas) is None
        for broker_id in self.world.brokers:
            self.world.apply(broker_id)

    def broker(self, broker_id: int) -> Broker | None:
        """It, if it runs and has not been told to register anew."""
        broker = self.world.brokers[broker_id]
        registered = self.world.image.brokers.get(broker_id)
        if not broker.alive or registered is None or registered.epoch != broker.epoch:
            return None
        return broker

    # -- brokers ----------------------------------------------------------------------------------

    @rule(broker_id=BROKERS, power=st.booleans())
    def kill(self, broker_id: int, power: bool) -> None:
        # Without eligible replicas an unclean stop is not told: what is on disk is trusted.
        self.world.kill(broker_id, power=power and self.elr)

    @rule(broker_id=BROKERS)
    def stop(self, broker_id: int) -> None:
        if self.broker(broker_id):
            self.world.stop(broker_id)

    @rule(broker_id=BROKERS)
    def apply(self, broker_id: int) -> None:
        if self.broker(broker_id):
            self.world.apply(broker_id)

    @rule(broker_id=BROKERS, fence=st.sampled_from([False, False, False, True]))
    def heartbeat(self, broker_id: int, fence: bool) -> None:
        if self.broker(broker_id):
            self.world.heartbeat(broker_id, fence=fence)

    @rule(broker_id=BROKERS, works=st.booleans())
    def start(self, broker_id: int, works: bool) -> None:
        """Its process, unless it runs; up to date and unfenced if it `works`."""
        self.world.start(broker_id)
        if works and self.broker(broker_id):
            self.world.apply(broker_id)
            self.world.heartbeat(broker_id)

    @rule(broker_id=BROKERS)
    def refused(self, broker_id: int) -> None:
        self.world.refused(broker_id)

    @rule(broker_id=BROKERS)
    def flush(self, broker_id: int) -> None:
        self.world.flush(broker_id)

    @rule(broker_id=BROKERS)
    def unregister(self, broker_id: int) -> None:
        in_use = {r for t in self.world.image.topics.values() for r in t.partitions[0].replicas}
        if broker_id in self.world.image.brokers and broker_id not in in_use:
            request = UnregisterBrokerRequest(broker_id=broker_id)
            self.world.take(self.world.controller.administer(request, 0))

    @rule(ms=st.sampled_from([1_000, 4_000, 9_000, 300_000]))
    def pass_time(self, ms: int) -> None:
        self.world.pass_time(ms)

    @rule()
    def everybody_beats(self) -> None:
        for broker_id in self.world.brokers:
            self.heartbeat(broker_id, fence=False)

    # -- data -------------------------------------------------------------------------------------

    @rule(topic=TOPICS)
    def produce(self, topic: str) -> None:
        self.world.produce(topic)

    @rule(topic=TOPICS, broker_id=BROKERS)
    def fetch(self, topic: str, broker_id: int) -> None:
        view = self.world.brokers[broker_id].view.get(topic)
        if view is not None and view.leader != NO_LEADER:
            leader = self.world.brokers[view.leader]
            if leader.leads(topic):
                self.world.fetch(topic, broker_id, leader)

    @rule(topic=TOPICS, leader_id=BROKERS, without=st.sets(BROKERS))
    def report(self, topic: str, leader_id: int, without: set[int]) -> None:
        """A leader reports some of those that are in sync as far as it knows, and itself."""
        leader = self.broker(leader_id)
        if leader is None or not leader.leads(topic) or topic not in self.world.image.topics:
            return
        known = [*leader.view[topic].isr, *self.world.caught_up(topic, leader)]
        isr = [r for r in dict.fromkeys(known) if r == leader_id or r not in without]
        self.world.report(topic, leader_id, isr)

    @rule(topic=TOPICS)
    def settle(self, topic: str) -> None:
        """Everybody who runs knows all, follows, and is in sync."""
        for broker_id in self.world.brokers:
            self.apply(broker_id)
        for broker_id in self.world.brokers:
            self.fetch(topic, broker_id)
        for broker_id in self.world.brokers:
            self.report(topic, broker_id, set())

    # -- administrators and controllers -----------------------------------------------------------

    @precondition(lambda self: len(self.world.image.topics) < 2)
    @rule(replicas=REPLICAS)
    def create(self, replicas: list[int]) -> None:
        self.world.create("u", replicas)

    @rule(topic=TOPICS, replicas=st.none() | REPLICAS)
    def reassign(self, topic: str, replicas: list[int] | None) -> None:
        self.world.reassign(topic, replicas)

    @rule(topic=TOPICS, kind=st.integers(0, 1))
    def elect(self, topic: str, kind: int) -> None:
        self.world.elect(topic, kind)

    @rule()
    def another_controller(self) -> None:
        """One that has only read the log takes over."""
        self.world.controller.reload(MetadataLoader(self.world.replayed()))
        self.world.take(self.world.controller.activate([], self.world.now_ms))

    # -- what must hold ---------------------------------------------------------------------------

    @invariant()
    def partitions_hold_together(self) -> None:
        image = self.world.image
        for name, topic in image.topics.items():
            (partition,) = topic.partitions.values()
            text = f"{name}: {partition}"
            replicas = set(partition.replicas)
            assert len(replicas) == len(partition.replicas) == len(partition.directories), text
            for some in (
                partition.isr,
                partition.elr,
                partition.adding_replicas,
                partition.removing_replicas,
            ):
                assert set(some) <= replicas, text
                assert len(set(some)) == len(some), text
            assert not set(partition.isr) & set(partition.elr), text
            assert partition.isr or self.elr, text
            if partition.leader == NO_LEADER:
                assert len(partition.isr) <= (0 if self.elr else 1), text
            else:
                assert partition.leader in partition.isr, text
                assert all(image.brokers[r].is_active for r in partition.isr), text

    @invariant()
    def epochs_only_grow(self) -> None:
        for name, topic in self.world.image.topics.items():
            (partition,) = topic.partitions.values()
            seen = (partition.leader_epoch, partition.partition_epoch)
            before = self.epochs.get(name, seen)
            assert seen[0] >= before[0], name
            assert seen[1] >= before[1], name
            assert seen[1] > before[1] or seen == before, name
            self.epochs[name] = seen

    @invariant()
    def acknowledged_records_are_not_lost(self) -> None:
        """An unclean leader may have lost some, and says that it recovers."""
        for name, topic in self.world.image.topics.items():
            lost = self.world.lost(name)
            if lost and topic.partitions[0].leader_recovery_state:
                kept = [r for r in self.world.acknowledged[name] if r not in lost]
                self.world.acknowledged[name] = kept
                lost = []
            assert not lost, f"{name}: {topic.partitions[0]} has lost {lost}"

    @invariant()
    def the_log_says_it_all(self) -> None:
        made = [repr(record) for record in snapshot_records(self.world.replayed())]
        assert made == [repr(record) for record in snapshot_records(self.world.image)]


class WithoutEligibleReplicas(ControllerMachine):
    elr = False


TestController = ControllerMachine.TestCase
TestController.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)
TestWithoutEligibleReplicas: Any = WithoutEligibleReplicas.TestCase
TestWithoutEligibleReplicas.settings = settings(
    max_examples=15, stateful_step_count=40, deadline=None
)
