"""DeleteGroups (api key 42): deletes empty groups."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Message, String, Struct


class DeleteGroupsRequest(Message, api_key=42, versions=(0, 2), flexible=2):
    groups_names: list[String] = FRESH


class DeleteGroupsResponse(Message, api_key=42, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    results: list[DeletableGroupResult] = FRESH


class DeletableGroupResult(Struct):
    group_id: String = ""
    error_code: Int16 = 0
