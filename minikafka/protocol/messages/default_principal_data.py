"""DefaultPrincipalData: a principal as a broker passes it on inside an Envelope."""

from __future__ import annotations

from minikafka.protocol.types import Bool, Message, String


class DefaultPrincipalData(Message, versions=(0, 0), flexible=0):
    type: String = ""
    name: String = ""
    token_authenticated: Bool = False
