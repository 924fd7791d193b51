"""`.txnindex`: the aborted transactions whose abort marker lies in a segment.

34 bytes an entry: int16 version 0, int64 producer id, first offset, last offset (of the marker) and
last stable offset at the time of the marker. Ascending by last offset; the file exists only when
there is an entry. Read-committed consumers get (producer id, first offset) of those that overlap
what they fetch, and drop that producer's records up to the marker (KIP-98).
"""

from struct import Struct
from typing import NamedTuple

_ENTRY = Struct(">hqqqq")
_VERSION = 0


class AbortedTransaction(NamedTuple):
    """One aborted transaction of a partition; all offsets absolute."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


def encode_aborted(transaction: AbortedTransaction) -> bytes:
    """One entry as it is appended to the file."""
    return _ENTRY.pack(_VERSION, *transaction)


def decode_aborted(data: bytes) -> list[AbortedTransaction]:
    """The entries of a file; what is none (a partial last one, another version) is left out."""
    whole = data[: len(data) - len(data) % _ENTRY.size]
    return [
        AbortedTransaction(*fields)
        for version, *fields in _ENTRY.iter_unpack(whole)
        if version == _VERSION
    ]
