"""Storms while administrators change who votes: halves of a quorum, each with a leader for a while.

Two leaders that each change the same set by one voter can end with majorities that have nobody in
common, if the set is even. So some storms begin with four voters, whoever leads is asked for
changes, new leaders at once, and the network splits anew in the moment of an election.
"""

from harness.raft_cluster import ROUNDS as UPGRADE_ROUNDS
from harness.raft_cluster import Member, RaftCluster, weather

ROUNDS = 15
_CHANGES = 6


def storm_with_changes(seed: int) -> RaftCluster:
    """A storm over five nodes, of which three or four vote at first."""
    cluster = RaftCluster(seed, 5, voters=3 + seed % 2)
    for member in cluster.members:
        member.start()
    draw = cluster.random.random

    def elected(member: Member) -> None:
        if draw() < 0.5:
            after_ms = cluster.draw(1, 40)
            cluster.at(cluster.now_ms + after_ms, member, lambda: change_voters(cluster, member))
        if draw() < 0.2:
            cluster.at(cluster.now_ms + cluster.draw(0, 10), member, lambda: split(cluster))

    cluster.when_elected = elected
    for number in range(ROUNDS):
        split(cluster)
        if draw() < 0.3:
            cluster.crash(int(draw() * len(cluster.members)), power=draw() < 0.5)
        for index in range(_CHANGES):
            cluster.append(b"%d/%d" % (number, index))
            cluster.run(cluster.now_ms + cluster.draw(1, 800))
            leading = [member for member in cluster.members if member.leads]
            if leading:
                change_voters(cluster, leading[int(draw() * len(leading))])
            cluster.run(cluster.now_ms + cluster.draw(1, 40))
        start_all(cluster)
    cluster.when_elected = lambda member: None
    cluster.heal()
    return cluster


def start_all(cluster: RaftCluster) -> None:
    """Whoever is down comes back."""
    for member in cluster.members:
        if not member.alive:
            member.start()


def split(cluster: RaftCluster) -> None:
    """Two sides that do not hear each other, or none."""
    cluster.heal()
    if cluster.random.random() < 0.7:
        side = [m.node_id for m in cluster.members if cluster.random.random() < 0.5]
        cluster.isolate(side)


def change_voters(cluster: RaftCluster, leader: Member) -> None:
    """An administrator wants some voter to go, or some other node to vote."""
    node_id = int(cluster.random.random() * len(cluster.members))
    if node_id in leader.node.voters:
        leader.ask(cluster.remove_request(node_id))
        return
    request = cluster.add_request(node_id)
    request.ack_when_committed = cluster.random.random() < 0.5
    leader.ask(request)


def storm_over_an_upgrade(seed: int) -> RaftCluster:
    """A storm in which configured voters become records, and change as soon as they have."""
    cluster = RaftCluster(seed, 3 + seed % 3)
    for member in cluster.members:
        member.start()
    for number in range(UPGRADE_ROUNDS):
        for index in range(4):
            cluster.append(b"%d/%d" % (number, index))
            cluster.run(cluster.now_ms + cluster.draw(1, 400))
            if cluster.random.random() < 0.3:
                cluster.raise_kraft_version()
            _ask_whoever_leads(cluster)
        weather(cluster)
    cluster.heal()
    start_all(cluster)
    return cluster


def _ask_whoever_leads(cluster: RaftCluster) -> None:
    """An administrator adds or removes some node, whether or not it makes sense."""
    node_id = int(cluster.random.random() * len(cluster.members))
    if cluster.random.random() < 0.5:
        request = cluster.add_request(node_id)
        request.ack_when_committed = cluster.random.random() < 0.5
        cluster.change_voters(request)
    else:
        cluster.change_voters(cluster.remove_request(node_id))
