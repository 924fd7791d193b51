"""End markers of transactions, as they lie in control batches."""

from struct import Struct

from minikafka.log.producer_state import EndMarker
from minikafka.records.batch import CONTROL_BIT, BatchHeader
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import decode_records
from minikafka.runtime.buffers import Buffer

_CONTROL_KEY = Struct(">hh")
_END_MARKER = Struct(">hi")
_ABORT = 0
_COMMIT = 1


def read_marker(header: BatchHeader, batch: Buffer) -> EndMarker | None:
    """The end marker in a control batch of a producer; None for any other batch.

    Key: int16 version, int16 type (0 abort, 1 commit). Value: int16 version, int32 coordinator
    epoch (EndTxnMarker). A marker that compaction has emptied says nothing.
    """
    if not header.attributes & CONTROL_BIT or header.producer_id < 0 or not header.record_count:
        return None
    try:
        record = decode_records(batch)[0]
    except CorruptRecordError:
        return None  # its CRC fits, so somebody wrote it like that: it ends no transaction
    key, value = record.key, record.value
    if key is None or len(key) < _CONTROL_KEY.size:
        return None
    _, kind = _CONTROL_KEY.unpack_from(key)
    if kind not in (_ABORT, _COMMIT) or value is None or len(value) < _END_MARKER.size:
        return None
    _, coordinator_epoch = _END_MARKER.unpack_from(value)
    return EndMarker(kind == _COMMIT, coordinator_epoch)
