"""Kafka's own topics: where groups, transactions and share groups keep their records.

They are written by coordinators only, are listed to clients as internal, and are created with
settings of their own (`auto_creation`).
"""

from typing import Final

CONSUMER_OFFSETS: Final = "__consumer_offsets"
TRANSACTION_STATE: Final = "__transaction_state"
SHARE_GROUP_STATE: Final = "__share_group_state"
INTERNAL_TOPICS: Final = frozenset({CONSUMER_OFFSETS, TRANSACTION_STATE, SHARE_GROUP_STATE})
