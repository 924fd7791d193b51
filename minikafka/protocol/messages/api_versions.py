"""ApiVersions (api key 18): tells which apis and versions, and which features, a node speaks.

The response has no tagged fields in its header in any version, and a request of an unknown version
is answered in version 0: a client must be able to read it before it knows anything (KIP-511).

v3: the client's software name and version; the features of node and cluster (KIP-584).
v4: features with minimum version 0 are told too (KAFKA-17011).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    ignorable,
    since,
    tag,
)


class ApiVersionsRequest(Message, api_key=18, versions=(0, 4), flexible=3):
    client_software_name: Annotated[String, since(3), ignorable] = ""
    client_software_version: Annotated[String, since(3), ignorable] = ""


class ApiVersionsResponse(Message, api_key=18, versions=(0, 4), flexible=3):
    error_code: Int16 = 0
    api_keys: list[ApiVersion] = FRESH
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    # features supported by the broker. Note: in v0-v3, features with MinSupportedVersion =
    # 0 are omitted
    supported_features: Annotated[list[SupportedFeatureKey], tag(0, 3), ignorable] = FRESH
    # monotonically increasing epoch for the finalized features information. Valid values
    # are >= 0. A value of -1 is special and represents unknown epoch
    finalized_features_epoch: Annotated[Int64, tag(1, 3), ignorable] = -1
    # list of cluster-wide finalized features. The information is valid only if the epoch is
    # not negative
    finalized_features: Annotated[list[FinalizedFeatureKey], tag(2, 3), ignorable] = FRESH
    # set by a KRaft controller if the required configurations for ZK migration are present
    zk_migration_ready: Annotated[Bool, tag(3, 3), ignorable] = False


class ApiVersion(Struct):
    api_key: Int16 = 0
    min_version: Int16 = 0
    max_version: Int16 = 0


class SupportedFeatureKey(Struct):
    name: String = ""
    min_version: Int16 = 0
    max_version: Int16 = 0


class FinalizedFeatureKey(Struct):
    name: String = ""
    # cluster-wide finalized max version level for the feature
    max_version_level: Int16 = 0
    # cluster-wide finalized min version level for the feature
    min_version_level: Int16 = 0
