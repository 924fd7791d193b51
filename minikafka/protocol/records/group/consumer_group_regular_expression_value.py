"""ConsumerGroupRegularExpressionValue (record type 16): the topics that a regular expression
resolved to.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int64, Message, String


class ConsumerGroupRegularExpressionValue(Message, api_key=16, versions=(0, 0), flexible=0):
    topics: list[String] = FRESH
    version: Int64 = 0
    timestamp: Int64 = 0
