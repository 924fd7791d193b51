"""StreamsGroupTargetAssignmentMetadataValue (record type 20): the epoch of a streams group's
target assignment.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Int32, Int64, Message, ignorable, tag


class StreamsGroupTargetAssignmentMetadataValue(Message, api_key=20, versions=(0, 0), flexible=0):
    assignment_epoch: Int32 = 0
    # time at which the assignment calculation finished
    assignment_timestamp: Annotated[Int64, tag(0, 0), ignorable] = 0
