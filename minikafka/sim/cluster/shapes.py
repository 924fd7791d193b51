"""Which nodes a cluster has, and how each is told of the others: formatted directories, settings.

Formatting is what `minikafka storage format` does on every machine before the first start.
"""

from typing import Final, NamedTuple

from minikafka.broker.storage import DYNAMIC_KRAFT_VERSION, FirstMetadata, format_directory
from minikafka.controller.features import bootstrap_feature_records
from minikafka.log.checkpoints import MetaProperties, uuid_text
from minikafka.raft.voters import Voter, VoterSet
from minikafka.runtime.entropy import random_uuid
from minikafka.settings.replication import RACK_AWARE
from minikafka.sim.loop import SimLoop
from minikafka.sim.node import LOG_DIR, PORT, BrokerNode

CONTROLLER_PORT: Final = PORT + 1
_CONTROLLER_IDS_FROM: Final = 11


class NodePlan(NamedTuple):
    """A node: its id, its machine and what it is."""

    node_id: int
    machine: str
    is_broker: bool
    is_controller: bool

    @property
    def roles(self) -> str:
        """As `process.roles`."""
        named = (("broker", self.is_broker), ("controller", self.is_controller))
        return ",".join(role for role, is_held in named if is_held)


def _combined(count: int) -> tuple[NodePlan, ...]:
    return tuple(NodePlan(number, f"b{number}", True, True) for number in range(1, count + 1))


def _apart(controllers: int, brokers: int) -> tuple[NodePlan, ...]:
    return (
        *(
            NodePlan(_CONTROLLER_IDS_FROM + number, f"c{number + 1}", False, True)
            for number in range(controllers)
        ),
        *(NodePlan(number, f"b{number}", True, False) for number in range(1, brokers + 1)),
    )


SHAPES: Final[dict[str, tuple[NodePlan, ...]]] = {
    "3": _combined(3),
    "3+3": _apart(3, 3),
    "1+3": _apart(1, 3),
    "5": _combined(5),
    "4": _combined(4),
    "1": _combined(1),
}
"""`3`: so many combined nodes; `1+3`: controllers and brokers apart."""


def make_nodes(
    loop: SimLoop,
    plans: tuple[NodePlan, ...],
    settings: dict[str, str],
    *,
    dynamic_voters: bool,
    racks: bool = False,
) -> list[BrokerNode]:
    """The machines of a cluster, formatted for it and not yet started."""
    if racks:
        settings = {**settings, "replica.selector.class": RACK_AWARE}
    random = loop.stream("format")
    cluster_id = uuid_text(random_uuid(random))
    directory_ids = [random_uuid(random) for _ in plans]
    controllers = [plan for plan in plans if plan.is_controller]
    voters = VoterSet(
        [
            Voter(
                plan.node_id,
                directory_id,
                [("CONTROLLER", plan.machine, CONTROLLER_PORT)],
                (0, DYNAMIC_KRAFT_VERSION),
            )
            for plan, directory_id in zip(plans, directory_ids, strict=True)
            if plan.is_controller
        ]
    )
    quorum = {
        "controller.quorum.bootstrap.servers": ",".join(
            f"{plan.machine}:{CONTROLLER_PORT}" for plan in controllers
        )
    }
    if not dynamic_voters:
        quorum["controller.quorum.voters"] = ",".join(
            f"{plan.node_id}@{plan.machine}:{CONTROLLER_PORT}" for plan in controllers
        )
    nodes = []
    for plan, directory_id in zip(plans, directory_ids, strict=True):
        first = None
        if plan.is_controller:
            records = bootstrap_feature_records()
            first = FirstMetadata(records, voters if dynamic_voters else None, 0)
        own = {**settings, **quorum, **_identity(plan)}
        if racks and plan.is_broker:
            own["broker.rack"] = rack_of(plan.node_id)
        node = BrokerNode(loop, plan.machine, own, cluster_id=cluster_id)
        mount = node.disk.mount()
        meta = MetaProperties(plan.node_id, cluster_id, directory_id)
        format_directory(mount, LOG_DIR, meta, first)
        mount.fsync_dir_now(LOG_DIR)
        nodes.append(node)
    return nodes


def rack_of(number: int) -> str:
    """Three racks."""
    return f"rack-{number % 3}"


def _identity(plan: NodePlan) -> dict[str, str]:
    listeners = []
    if plan.is_broker:
        listeners.append(f"PLAINTEXT://{plan.machine}:{PORT}")
    if plan.is_controller:
        listeners.append(f"CONTROLLER://{plan.machine}:{CONTROLLER_PORT}")
    return {
        "node.id": str(plan.node_id),
        "process.roles": plan.roles,
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(listeners),
    }
