"""ListGroups (api key 16): lists the groups that a broker coordinates.

v1: adds the throttle time.
v4: adds the StatesFilter field (KIP-518).
v5: adds the TypesFilter field (KIP-848).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int16, Int32, Message, String, Struct, ignorable, since


class ListGroupsRequest(Message, api_key=16, versions=(0, 5), flexible=3):
    # states of the groups we want to list. If empty, all groups are returned with their
    # state
    states_filter: Annotated[list[String], since(4)] = FRESH
    # types of the groups we want to list. If empty, all groups are returned with their type
    types_filter: Annotated[list[String], since(5)] = FRESH


class ListGroupsResponse(Message, api_key=16, versions=(0, 5), flexible=3):
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    error_code: Int16 = 0
    groups: list[ListedGroup] = FRESH


class ListedGroup(Struct):
    group_id: String = ""
    protocol_type: String = ""
    group_state: Annotated[String, since(4), ignorable] = ""
    group_type: Annotated[String, since(5), ignorable] = ""
