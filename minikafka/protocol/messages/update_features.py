"""UpdateFeatures (api key 57): raises or lowers finalized feature levels (KIP-584).

v1: adds validate only field.
v2: changes the response to not return feature level results.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
    until,
)


class UpdateFeaturesRequest(Message, api_key=57, versions=(0, 2), flexible=0):
    timeout_ms: Int32 = 60000
    feature_updates: list[FeatureUpdateKey] = FRESH
    # true if we should validate the request, but not perform the upgrade or downgrade
    validate_only: Annotated[Bool, since(1)] = False


class FeatureUpdateKey(Struct):
    feature: String = ""
    # new maximum version level for the finalized feature. A value >= 1 is valid. A value <
    # 1, is special, and can be used to request the deletion of the finalized feature
    max_version_level: Int16 = 0
    # DEPRECATED in version 1 (see DowngradeType)
    allow_downgrade: Annotated[Bool, until(0)] = False
    # determine which type of upgrade will be performed: 1 will perform an upgrade only
    # (default), 2 is safe downgrades only (lossless), 3 is unsafe downgrades (lossy)
    upgrade_type: Annotated[Int8, since(1)] = 1


class UpdateFeaturesResponse(Message, api_key=57, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
    results: Annotated[list[UpdatableFeatureResult], until(1), ignorable] = FRESH


class UpdatableFeatureResult(Struct):
    feature: String = ""
    error_code: Int16 = 0
    error_message: String | None = ""
