"""BrokerRegistrationChangeRecord (metadata record type 17): a broker was fenced, unfenced, or
changed its shutdown state or log directories.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int8, Int32, Int64, Message, Uuid, tag


class BrokerRegistrationChangeRecord(Message, api_key=17, versions=(0, 3), flexible=0):
    broker_id: Int32 = 0
    # broker epoch assigned by the controller
    broker_epoch: Int64 = 0
    # -1 if the broker has been unfenced, 0 if no change, 1 if the broker has been fenced
    fenced: Annotated[Int8, tag(0, 0)] = 0
    # 0 if no change, 1 if the broker is in controlled shutdown
    in_controlled_shutdown: Annotated[Int8, tag(1, 1)] = 0
    # log directories configured in this broker which are available
    log_dirs: Annotated[list[Uuid], tag(2, 2)] = FRESH
    # log directories that are cordoned or null if no change
    cordoned_log_dirs: Annotated[list[Uuid] | None, tag(3, 3)] = None
