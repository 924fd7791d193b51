"""From the log into a machine: a piece at a time, so that others have their turn in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from minikafka.coordinators.decision import Record
from minikafka.protocol.errors import UnsupportedVersion
from minikafka.records.batch import walk
from minikafka.records.control import decode_end_transaction
from minikafka.records.record import decode_records

if TYPE_CHECKING:
    from minikafka.coordinators.runtime.hosting import Log, Machine
    from minikafka.records.batch import BatchHeader

logger = logging.getLogger("minikafka.coordinators")

_PIECE_BYTES = 64 << 10  # some 1,500 commits: tens of milliseconds


class Loading:
    """Replays a log up to the end it had when the loading began."""

    __slots__ = ("_end_offset", "_log", "_machine", "_offset")

    def __init__(self, log: Log, machine: Machine) -> None:
        self._log = log
        self._machine = machine
        self._offset = log.log_start_offset
        self._end_offset = log.log_end_offset

    def step(self) -> bool:
        """Replay the next piece; true when all is loaded.

        Raises OSError, CorruptRecordError, ProtocolError (a record that nobody can read).
        """
        if self._offset >= self._end_offset:
            return True
        found = self._log.read(
            self._offset, _PIECE_BYTES, max_offset=self._end_offset, min_one_batch=True
        )
        if found.region is None:
            # What was left has been compacted away.
            return True
        try:
            data = found.region.read(0, found.size)
        finally:
            found.region.release()
        view = memoryview(data)
        for position, header in walk(data):
            if header.last_offset >= self._offset:
                self._replay(header, view[position : position + header.size_bytes])
                self._offset = header.next_offset
        return self._offset >= self._end_offset

    def _replay(self, header: BatchHeader, batch: memoryview) -> None:
        machine = self._machine
        for record in decode_records(batch):
            if header.is_control:
                marker = decode_end_transaction(record.key, record.value)
                if marker is not None:
                    machine.end_transaction(
                        header.producer_id, record.timestamp, committed=marker.committed
                    )
                continue
            decoded = self._decode(record.key, record.value)
            if decoded is None:
                continue
            if header.is_transactional:
                machine.replay_in_transaction(header.producer_id, decoded)
            else:
                machine.replay(decoded, record.timestamp)

    def _decode(self, key: bytes | None, value: bytes | None) -> Record | None:
        """None for a record of a type that a newer broker has written."""
        schemas = self._machine.schemas
        try:
            about = schemas.decode_key(key or b"")
        except UnsupportedVersion as error:
            logger.warning("a record is passed over: %s", error)
            return None
        if value is None:
            return Record(about, None)
        content, version = schemas.decode_value(about.api_key, value)
        return Record(about, content, version)
