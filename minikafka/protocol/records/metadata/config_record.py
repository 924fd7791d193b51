"""ConfigRecord (metadata record type 4): a config was set, or deleted (value null)."""

from __future__ import annotations

from minikafka.protocol.types import Int8, Message, String


class ConfigRecord(Message, api_key=4, versions=(0, 0), flexible=0):
    resource_type: Int8 = 0
    resource_name: String = ""
    name: String = ""
    # value of the configuration, or null if the it should be deleted
    value: String | None = ""
