"""What is done to a cluster under load: each fault picks its victim, strikes, and is undone."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.cluster import RunningCluster
from harness.cluster_node import Node
from harness.namespaces import Network

PAUSE_S = 15.0
CUT_S = 12.0  # Longer than the session, so that the majority goes on without the victim.
_PATIENCE_S = 120.0
# What was acknowledged before the fault has been told by then.
_ON_THE_WAY_S = 0.3


class Scene(NamedTuple):
    """Where faults happen. `progress` tells how many records are acknowledged by each writer."""

    cluster: RunningCluster
    topic: str
    network: Network | None
    progress: Callable[[], Sequence[int]]


class Fault(NamedTuple):
    """`strike` does it and undoes it; it returns only when acknowledgements come again."""

    name: str
    strike: Callable[[Scene], None]


def until_progress(scene: Scene) -> None:
    """Until every writer has had acknowledgements for something sent from now on."""
    time.sleep(_ON_THE_WAY_S)
    before = scene.progress()
    deadline = time.monotonic() + _PATIENCE_S
    while not all(now > then for now, then in zip(scene.progress(), before, strict=True)):
        assert time.monotonic() < deadline, f"no acknowledgement for {_PATIENCE_S} s: {before}"
        time.sleep(0.01)


def leader(scene: Scene) -> Node:
    return scene.cluster.leader(scene.topic)


def controller(scene: Scene) -> Node:
    return scene.cluster.controller()


def follower(scene: Scene) -> Node:
    """Of the first partition, and no active controller if there is a choice."""
    others = scene.cluster.others(leader(scene))
    active = controller(scene)
    return next((node for node in others if node is not active), others[0])


def _kill(victim: Callable[[Scene], Node]) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        node = victim(scene)
        node.kill()
        until_progress(scene)
        node.spawn()

    return strike


def _kill_all(scene: Scene) -> None:
    scene.cluster.kill()
    scene.cluster.start()
    until_progress(scene)


def _pause(victim: Callable[[Scene], Node]) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        node = victim(scene)
        node.pause()
        time.sleep(PAUSE_S)
        node.resume()
        until_progress(scene)

    return strike


def _cut(
    victim: Callable[[Scene], Node], *, hears: bool, is_heard: bool, by_clients: bool
) -> Callable[[Scene], None]:
    """Cut a node off its peers; `by_clients`: these still reach it, as from its own data centre."""

    def strike(scene: Scene) -> None:
        network = scene.network
        assert network is not None, "cuts need network namespaces"
        node = victim(scene)
        others = [other.host for other in scene.cluster.others(node)]
        for other in others if by_clients else [*others, network.outside]:
            if not is_heard:
                network.drop(node.host, other)
            if not hears:
                network.drop(other, node.host)
        time.sleep(CUT_S)
        network.heal()
        until_progress(scene)

    return strike


KILLS = (
    Fault("kill -9 the leader", _kill(leader)),
    Fault("kill -9 the controller", _kill(controller)),
    Fault("kill -9 a follower", _kill(follower)),
    Fault("kill -9 all at once", _kill_all),
)
PAUSES = (
    Fault("stop the leader for 15 s", _pause(leader)),
    Fault("stop the controller for 15 s", _pause(controller)),
    Fault("stop a follower for 15 s", _pause(follower)),
)
CUTS = tuple(
    Fault(
        f"cut {name}, {way}, {'clients reach it' if by_clients else 'from clients too'}",
        _cut(victim, hears=hears, is_heard=is_heard, by_clients=by_clients),
    )
    for way, hears, is_heard in (
        ("both ways", False, False),
        ("it is not heard", True, False),
        ("it hears nothing", False, True),
    )
    for name, victim in (("the leader", leader), ("the controller", controller))
    for by_clients in (True, False)
)
