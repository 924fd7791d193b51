"""ClearElrRecord (metadata record type 28): clears eligible leader replicas of a topic, or of all
(KIP-966).
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ClearElrRecord(Message, api_key=28, versions=(0, 0), flexible=0):
    # name of the topic to clear ELRs for, or empty if all ELRs should be cleared
    topic_name: String = ""
