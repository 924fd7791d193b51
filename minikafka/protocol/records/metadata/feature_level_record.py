"""FeatureLevelRecord (metadata record type 12): a feature was finalized at a level."""

from __future__ import annotations

from minikafka.protocol.types import Int16, Message, String


class FeatureLevelRecord(Message, api_key=12, versions=(0, 0), flexible=0):
    name: String = ""
    # current finalized feature level of this feature for the cluster, a value of 0 means
    # feature not supported
    feature_level: Int16 = 0
