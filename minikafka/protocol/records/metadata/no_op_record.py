"""NoOpRecord (metadata record type 20): nothing; the controller writes one now and then, so that
lag can be seen.
"""

from __future__ import annotations

from minikafka.protocol.types import Message


class NoOpRecord(Message, api_key=20, versions=(0, 0), flexible=0):
    """No fields."""
