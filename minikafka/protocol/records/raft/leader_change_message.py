"""LeaderChangeMessage: the control record that a new KRaft leader writes first.

v1: adds VoterDirectoryId (KIP-853).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, ZERO_UUID, Int16, Int32, Message, Struct, Uuid, since


class LeaderChangeMessage(Message, versions=(0, 1), flexible=0):
    version: Int16 = 0
    leader_id: Int32 = 0
    voters: list[Voter] = FRESH
    # voters who voted for the leader at the time of election
    granting_voters: list[Voter] = FRESH


class Voter(Struct):
    voter_id: Int32 = 0
    voter_directory_id: Annotated[Uuid, since(1)] = ZERO_UUID
