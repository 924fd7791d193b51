"""ProducerSnapshot: the content of a `.snapshot` file: the producers that a partition knows."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Int64, Message, Struct, Uint32


class ProducerSnapshot(Message, versions=(1, 1)):
    crc: Uint32 = 0
    producer_entries: list[ProducerEntry] = FRESH


class ProducerEntry(Struct):
    producer_id: Int64 = 0
    epoch: Int16 = 0
    last_sequence: Int32 = 0
    last_offset: Int64 = 0
    offset_delta: Int32 = 0
    timestamp: Int64 = 0
    # epoch of the last transaction coordinator to send an end transaction marker
    coordinator_epoch: Int32 = 0
    # first offset of the on-going transaction (-1 if there is none)
    current_txn_first_offset: Int64 = 0
