"""ApiVersions (key 18, v0-4): what this broker serves, and the features of the cluster.

v1 throttle time · v3 client software name, features (KIP-584) · v4 features whose lowest level is
0 (KIP-1022). Every connection begins with it, so it is answered in any version: a version that is
not known gets the body of version 0 with error 35 and the one entry that says which are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from minikafka.api.dispatch import handles, served_apis
from minikafka.metadata.features import advertised_features
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

if TYPE_CHECKING:
    from minikafka.api.context import NodeContext
    from minikafka.metadata.image import MetadataImage

_SOFTWARE_WORD = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
_VERSION_OF_SOFTWARE_NAMES = 3
_VERSION_OF_LEVEL_ZERO = 4


def refuse_api_versions(
    context: NodeContext, request: ApiVersionsRequest | None, error: KafkaError
) -> ApiVersionsResponse:
    """An empty list, but for an unknown version: then the entry to come back with."""
    response = ApiVersionsResponse(error_code=int(error.code))
    if error.code == ErrorCode.UNSUPPORTED_VERSION:
        key = ApiKey.API_VERSIONS
        response.api_keys.append(_entry(key, *served_apis()[key]))
    return response


@handles(ApiKey.API_VERSIONS, refusal=refuse_api_versions)
def api_versions(context: NodeContext, request: ApiVersionsRequest) -> ApiVersionsResponse:
    """List the served APIs by key; raises `KafkaError` 42 for a software name that is none."""
    if context.version >= _VERSION_OF_SOFTWARE_NAMES:
        for word in (request.client_software_name, request.client_software_version):
            if _SOFTWARE_WORD.fullmatch(word) is None:
                raise KafkaError(ErrorCode.INVALID_REQUEST)
    services = context.services
    image = services.image
    on_controller = context.listener in services.settings.controller_listener_names
    served = served_apis(controller=on_controller)
    return ApiVersionsResponse(
        api_keys=[_entry(key, lowest, highest) for key, (lowest, highest) in served.items()],
        supported_features=_supported(context.version),
        finalized_features_epoch=image.offset,
        finalized_features=_finalized(image),
    )


def _entry(key: int, lowest: int, highest: int) -> ApiVersion:
    return ApiVersion(api_key=int(key), min_version=lowest, max_version=highest)


def _supported(version: int) -> list[SupportedFeatureKey]:
    """Up to v3 clients took a lowest level of 0 for an error, so such features are left out."""
    return [
        SupportedFeatureKey(name=name, min_version=lowest, max_version=highest)
        for name, (lowest, highest) in advertised_features().items()
        if lowest > 0 or version >= _VERSION_OF_LEVEL_ZERO
    ]


def _finalized(image: MetadataImage) -> list[FinalizedFeatureKey]:
    return [
        FinalizedFeatureKey(name=name, max_version_level=level, min_version_level=level)
        for name, level in image.features.items()
    ]
