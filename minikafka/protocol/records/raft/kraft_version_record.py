"""KRaftVersionRecord: the control record that finalizes kraft.version."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Int16, Message, named


class KRaftVersionRecord(Message, versions=(0, 0), flexible=0):
    version: Int16 = 0
    kraft_version: Annotated[Int16, named("kRaftVersion")] = 0
