"""RemoveUserScramCredentialRecord (metadata record type 22): a user's SCRAM credential was
removed.
"""

from __future__ import annotations

from minikafka.protocol.types import Int8, Message, String


class RemoveUserScramCredentialRecord(Message, api_key=22, versions=(0, 0), flexible=0):
    name: String = ""
    mechanism: Int8 = 0
