"""Adding, removing and updating voters: what is refused, when it counts, and what comes of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from harness.raft_cluster import RaftCluster

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.begin_quorum_epoch import (
    BeginQuorumEpochRequest,
    BeginQuorumEpochRequestPartitionData,
    BeginQuorumEpochRequestTopicData,
)
from minikafka.protocol.messages.update_raft_voter import (
    KRaftVersionFeature,
    Listener,
    UpdateRaftVoterRequest,
)
from minikafka.protocol.messages.vote import (
    VoteRequest,
    VoteRequestPartitionData,
    VoteRequestTopicData,
)
from minikafka.raft.events import Requested
from minikafka.raft.voters import Voter, VoterHistory, VoterSet


@pytest.fixture
def cluster() -> RaftCluster:
    """Three voters by record and an observer that follows."""
    made = RaftCluster(3, 4, voters=3)
    for member in made.members:
        member.start()
    made.run(3000)
    assert made.append(b"something")
    made.run(4000)
    return made


def leader_of(cluster: RaftCluster) -> Any:
    leader = cluster.leader()
    assert leader is not None
    return leader


def ask(cluster: RaftCluster, request: Any, wait_ms: int = 1000) -> Any:
    """What the leader answers, as far as it does."""
    answers: list[Any] = []
    leader_of(cluster).step(Requested(answers.append, request))
    cluster.run(cluster.now_ms + wait_ms)
    return answers[0] if answers else None


def test_an_observer_becomes_a_voter(cluster: RaftCluster) -> None:
    answer = ask(cluster, cluster.add_request(3))
    assert (answer.error_code, answer.error_message) == (0, None)
    assert all(member.node.voters.ids == (0, 1, 2, 3) for member in cluster.members)
    again = ask(cluster, cluster.add_request(3))
    assert again.error_code == ErrorCode.DUPLICATE_VOTER
    assert again.error_message.startswith("The voter id for ReplicaKey(id=3, directoryId=")


def test_what_cannot_vote_is_not_added(cluster: RaftCluster) -> None:
    no_directory = cluster.add_request(3)
    no_directory.voter_directory_id = UUID(int=0)
    assert ask(cluster, no_directory).error_code == ErrorCode.INVALID_REQUEST
    elsewhere = cluster.add_request(3)
    elsewhere.listeners[0].name = "OTHER"
    unheard = ask(cluster, elsewhere)
    assert unheard.error_code == ErrorCode.INVALID_REQUEST
    assert "(Endpoints(endpoints={ListenerName(OTHER)=" in unheard.error_message
    assert unheard.error_message.endswith(" default listener ListenerName(CONTROLLER)")
    wiped = cluster.add_request(3)
    wiped.voter_directory_id = UUID(int=999)
    lagging = ask(cluster, wiped)
    assert lagging.error_code == ErrorCode.REQUEST_TIMED_OUT
    assert lagging.error_message.endswith("since it is lagging behind")
    cluster.crash(3, power=False)
    silent = ask(cluster, cluster.add_request(3))
    assert silent.error_code == ErrorCode.REQUEST_TIMED_OUT
    assert silent.error_message.endswith("BROKER_NOT_AVAILABLE")
    assert leader_of(cluster).node.voters.ids == (0, 1, 2)


def test_it_may_be_answered_before_it_is_committed(cluster: RaftCluster) -> None:
    leader = leader_of(cluster).node_id
    request = cluster.add_request(3)
    request.ack_when_committed = False
    cluster.isolate([node_id for node_id in (0, 1, 2) if node_id != leader])
    assert ask(cluster, request, 100).error_code == 0
    assert leader_of(cluster).node.voters.ids == (0, 1, 2, 3)
    next_one = ask(cluster, cluster.remove_request(3), 100)
    assert next_one.error_code == ErrorCode.REQUEST_TIMED_OUT
    assert "to commit the latest voter change" in next_one.error_message


def test_one_change_at_a_time(cluster: RaftCluster) -> None:
    leader = leader_of(cluster).node_id
    victim = next(node_id for node_id in (0, 1, 2) if node_id != leader)
    cluster.isolate([node_id for node_id in range(4) if node_id != leader])
    assert ask(cluster, cluster.remove_request(victim), 100) is None
    busy = ask(cluster, cluster.remove_request(3), 100)
    assert (busy.error_code, busy.error_message) == (
        ErrorCode.REQUEST_TIMED_OUT,
        "Request timed out waiting for leader to handle previous voter change request",
    )


def test_a_voter_is_removed_and_follows_on(cluster: RaftCluster) -> None:
    leader = leader_of(cluster).node_id
    victim = next(node_id for node_id in (0, 1, 2) if node_id != leader)
    assert ask(cluster, cluster.remove_request(victim)).error_code == 0
    unknown = ask(cluster, cluster.remove_request(victim))
    assert unknown.error_code == ErrorCode.VOTER_NOT_FOUND
    assert unknown.error_message.startswith("Cannot remove voter ReplicaKey(id=")
    end = leader_of(cluster).log.log_end_offset
    assert cluster.members[victim].log.log_end_offset == end


def test_a_leader_that_has_removed_itself_hands_over(cluster: RaftCluster) -> None:
    leader = leader_of(cluster).node_id
    assert ask(cluster, cluster.remove_request(leader)).error_code == 0
    cluster.run(cluster.now_ms + 1000)
    follower = leader_of(cluster)
    assert follower.node_id != leader
    assert leader not in follower.node.voters
    assert cluster.append(b"more")
    cluster.run(cluster.now_ms + 1000)
    assert cluster.members[leader].log.log_end_offset == follower.log.log_end_offset


def test_the_last_voter_stays() -> None:
    cluster = RaftCluster(1, 1, voters=1)
    cluster.members[0].start()
    cluster.run(1000)
    answer = ask(cluster, cluster.remove_request(0))
    assert answer.error_code == ErrorCode.INVALID_REQUEST


def test_only_the_leader_changes_voters(cluster: RaftCluster) -> None:
    leader = leader_of(cluster).node_id
    other = next(member for member in cluster.members if member.node_id != leader)
    answers: list[Any] = []
    other.step(Requested(answers.append, cluster.add_request(3)))
    other.step(Requested(answers.append, cluster.remove_request(0)))
    assert [a.error_code for a in answers] == [ErrorCode.NOT_LEADER_OR_FOLLOWER] * 2


def test_static_voters_are_not_changed() -> None:
    cluster = RaftCluster(1, 3)
    for member in cluster.members:
        member.start()
    cluster.run(3000)
    assert cluster.append(b"something")
    cluster.run(4000)
    refused = ask(cluster, cluster.remove_request(0))
    assert (refused.error_code, refused.error_message) == (
        ErrorCode.UNSUPPORTED_VERSION,
        "Cluster doesn't support removing voter because the kraft.version feature is 0",
    )


def configured(size: int) -> RaftCluster:
    """Voters by configuration, with something committed."""
    made = RaftCluster(1, size)
    for member in made.members:
        member.start()
    made.run(3000)
    assert made.append(b"something")
    made.run(4000)
    return made


def test_configured_voters_become_records() -> None:
    cluster = configured(3)
    leader = leader_of(cluster)
    assert leader.node.can_raise_kraft_version(1)
    assert not leader.node.can_raise_kraft_version(2)
    assert not any(m.node.can_raise_kraft_version(1) for m in cluster.members if m is not leader)
    assert cluster.raise_kraft_version()
    cluster.run(5000)
    end = leader.log.log_end_offset
    assert leader.node.high_watermark == end, "it is committed"
    for member in cluster.members:
        node = member.node
        assert (node.kraft_version, node.voters.ids) == (1, (0, 1, 2))
        assert node.voters.has((member.node_id, node.directory_id))
        assert node.voters.endpoint_of(member.node_id) == ("h", member.port)
    cluster.run(12_000)
    assert leader.log.log_end_offset == end, "there is nothing to add to it"
    victim = next(member.node_id for member in cluster.members if member is not leader)
    assert ask(cluster, cluster.remove_request(victim)).error_code == 0
    cluster.crash(leader.node_id, power=True)
    leader.start()
    cluster.run(20_000)
    assert victim not in leader_of(cluster).node.voters
    assert leader_of(cluster).node.kraft_version == 1


def test_the_voters_of_a_moment_are_those_of_the_records_below_it() -> None:
    one, two, three = (VoterSet(Voter(node_id) for node_id in range(n)) for n in (1, 2, 3))
    history = VoterHistory(one, 0)
    history.add(10, two, 1)
    history.add(20, three, None)
    found = {end: history.before(end) for end in (0, 10, 11, 20, 21, 99)}
    assert found == {
        0: (0, one),
        10: (0, one),
        11: (1, two),
        20: (1, two),
        21: (1, three),
        99: (1, three),
    }
    history.truncate(20)
    assert history.before(99) == (1, two)
    history.restart(three, 1)
    assert history.before(0) == (1, three)


def test_voters_that_the_leader_has_not_heard_of_do_not_become_records() -> None:
    cluster = configured(3)
    silent = next(member for member in cluster.members if member is not leader_of(cluster))
    cluster.crash(silent.node_id, power=False)
    cluster.resign()
    cluster.run(8000)
    assert not cluster.raise_kraft_version(), "a leader begins with what it is told in its epoch"
    silent.start()
    cluster.run(12_000)
    assert cluster.raise_kraft_version()


def test_a_raised_version_that_nobody_else_has_is_undone() -> None:
    cluster = configured(3)
    former = leader_of(cluster)
    cluster.isolate([former.node_id])
    assert cluster.raise_kraft_version()
    assert former.node.kraft_version == 1
    cluster.run(12_000)
    assert cluster.append(b"more")
    cluster.heal()
    cluster.run(20_000)
    assert [member.node.kraft_version for member in cluster.members] == [0, 0, 0]
    assert cluster.raise_kraft_version()
    cluster.run(22_000)
    assert [member.node.kraft_version for member in cluster.members] == [1, 1, 1]


def test_a_controller_joins_by_itself_where_that_is_wanted() -> None:
    cluster = RaftCluster(5, 3, voters=1, auto_join=True)
    for member in cluster.members:
        member.start()
    cluster.run(6000)
    assert all(set(member.node.voters.ids) == {0, 1, 2} for member in cluster.members)
    wiped = next(member for member in cluster.members if member is not leader_of(cluster))
    cluster.wipe(wiped.node_id)
    cluster.run(16_000)
    assert leader_of(cluster).node.voters.has((wiped.node_id, wiped.directory_id))
    assert len(leader_of(cluster).node.voters) == 3


def test_a_voter_that_listens_elsewhere_says_so(cluster: RaftCluster) -> None:
    leader = leader_of(cluster).node_id
    mover = next(member for member in cluster.members[:3] if member.node_id != leader)
    mover.port = 7777
    cluster.crash(mover.node_id, power=False)
    mover.start()
    cluster.run(cluster.now_ms + 3000)
    for member in cluster.members:
        assert member.node.voters.endpoint_of(mover.node_id) == ("h", 7777)
    records = leader_of(cluster).log.log_end_offset
    cluster.run(cluster.now_ms + 6000)
    assert leader_of(cluster).log.log_end_offset == records, "it is said once"


def test_a_leader_that_listens_elsewhere_begins_with_it() -> None:
    cluster = RaftCluster(1, 1, voters=1)
    only = cluster.members[0]
    only.start()
    cluster.run(1000)
    cluster.crash(0, power=False)
    only.port = 7777
    only.start()
    cluster.run(2000)
    assert only.node.voters.endpoint_of(0) == ("h", 7777)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cluster_id": "another"}, ErrorCode.INCONSISTENT_CLUSTER_ID),
        ({"current_leader_epoch": 0}, ErrorCode.FENCED_LEADER_EPOCH),
        ({"current_leader_epoch": 99}, ErrorCode.UNKNOWN_LEADER_EPOCH),
        ({"voter_id": 3}, ErrorCode.VOTER_NOT_FOUND),
        ({"voter_directory_id": UUID(int=0)}, ErrorCode.INVALID_REQUEST),
        ({"listeners": []}, ErrorCode.INVALID_REQUEST),
        ({"kraft_version_feature": KRaftVersionFeature()}, ErrorCode.INVALID_REQUEST),
        ({}, ErrorCode.NONE),
    ],
)
def test_updates_that_do_not_hold(
    cluster: RaftCluster, change: dict[str, Any], code: ErrorCode
) -> None:
    request = UpdateRaftVoterRequest(
        cluster_id="cluster",
        current_leader_epoch=leader_of(cluster).node.epoch,
        voter_id=1,
        voter_directory_id=UUID(int=101),
        listeners=[Listener(name="CONTROLLER", host="h", port=9001)],
        kraft_version_feature=KRaftVersionFeature(max_supported_version=1),
    )
    for name, value in change.items():
        setattr(request, name, value)
    answer = ask(cluster, request)
    assert answer.error_code == code
    assert answer.current_leader.leader_id == leader_of(cluster).node_id


@pytest.mark.parametrize(
    ("wrong_id", "directory", "code"),
    [
        (0, 100, ErrorCode.NONE),
        (0, 0, ErrorCode.NONE),
        (0, 999, ErrorCode.INVALID_VOTER_KEY),
        (50, 100, ErrorCode.INVALID_VOTER_KEY),
    ],
)
def test_who_is_not_meant_says_so(
    cluster: RaftCluster, wrong_id: int, directory: int, code: ErrorCode
) -> None:
    """A node whose disk was replaced is not the voter that a peer believes to speak to."""
    leader = leader_of(cluster)
    me, epoch = leader.node_id, leader.node.epoch
    directory_id = UUID(int=directory + me if directory == 100 else directory)
    announcement = BeginQuorumEpochRequestPartitionData(
        leader_id=me, leader_epoch=epoch, voter_directory_id=directory_id
    )
    begun = ask(
        cluster,
        BeginQuorumEpochRequest(
            voter_id=me + wrong_id,
            topics=[BeginQuorumEpochRequestTopicData(partitions=[announcement])],
        ),
    )
    assert begun.topics[0].partitions[0].error_code == code
    wish = VoteRequestPartitionData(
        replica_id=3, replica_epoch=epoch, voter_directory_id=directory_id
    )
    request = VoteRequest(voter_id=me + wrong_id, topics=[VoteRequestTopicData(partitions=[wish])])
    assert ask(cluster, request).topics[0].partitions[0].error_code == code
    # What cannot be a candidate's log is refused before that.
    wish.last_offset_epoch = epoch
    answer = ask(cluster, request)
    assert answer.topics[0].partitions[0].error_code == ErrorCode.INVALID_REQUEST
