"""ConsumerGroupRegularExpressionKey (record type 16): which regular expression of a consumer
group.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupRegularExpressionKey(Message, api_key=16, versions=(0, 0)):
    group_id: String = ""
    regular_expression: String = ""
