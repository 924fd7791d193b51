"""What consumers say about themselves in the metadata bytes of JoinGroup.

The broker passes these bytes on unread; only to protect offsets in use does it look for topics.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, error

from minikafka.protocol.codec import decoder
from minikafka.protocol.errors import ProtocolError
from minikafka.protocol.messages.consumer_protocol_subscription import (
    ConsumerProtocolSubscription,
)

_VERSION = Struct(">h")
_HIGHEST_KNOWN = 3


def subscribed_topics(metadatas: Iterable[bytes]) -> frozenset[str] | None:
    """The topics of all subscriptions; None when one of them is not readable."""
    topics: set[str] = set()
    for metadata in metadatas:
        try:
            (version,) = _VERSION.unpack_from(metadata)
            known = min(version, _HIGHEST_KNOWN)
            if known < 0:
                return None
            subscription, _ = decoder(ConsumerProtocolSubscription, known)(metadata, 2)
        except (error, ProtocolError):
            return None
        topics.update(subscription.topics)
    return frozenset(topics)
