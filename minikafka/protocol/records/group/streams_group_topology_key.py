"""StreamsGroupTopologyKey (record type 23): which streams group's topology."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class StreamsGroupTopologyKey(Message, api_key=23, versions=(0, 0)):
    group_id: String = ""
