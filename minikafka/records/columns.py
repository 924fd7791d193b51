"""Checks a run of records of one layout column by column: the fast half of `boundaries`.

Producers mostly send records that look alike: equal lengths, with only payloads, timestamp and
offset deltas differing. Reading them one after the other costs a third of a microsecond each;
slicing and comparing bytes happens in C and costs a few nanoseconds each. So when one record is
known to be sound and the next one begins like it, byte j of all that follow is one strided slice,
`data[j::size]`. They are sound as far as every column that decides over structure (lengths, header
count) repeats the first record's byte, and the two columns that may vary, timestamp and offset
delta, keep its varint width.

The largest timestamp is not searched for in columns but compared with what the header claims.
"""

from minikafka.protocol.types import Buffer
from minikafka.records.varint import skip_headers

FEWEST_IN_COLUMNS = 8

_BYTE = [bytes((byte,)) for byte in range(256)]
_FLIP_TOP_BIT = bytes(byte ^ 0x80 for byte in range(256))
_LOW_BYTES = bytes(range(128))
_EVEN_BYTES = bytes(range(0, 256, 2))
_NEGATIVE = bytes(range(1, 128, 2))
_NOT_ABOVE = [_NEGATIVE + bytes(range(0, 2 * delta + 2, 2)) for delta in range(64)]
"""For each delta 0…63: the one-byte varints whose value does not exceed it."""
_ONE_BYTE_MINIMUM = -64
_TWO_BYTE_MINIMUM = -8192
_TWO_BYTE_LIMIT = 8192


class Columns:
    """What the columns of one batch body have shown; one object per walk.

    `claimed_delta` is the largest timestamp delta according to the header, None when nobody asks.
    """

    __slots__ = ("_claimed_delta", "_confirmed", "_data", "_floor", "_refuted", "_used")

    def __init__(self, data: Buffer, claimed_delta: int | None) -> None:
        self._data = data
        self._claimed_delta = claimed_delta
        self._confirmed = False
        self._refuted = False
        self._used = False
        self._floor = 0

    def largest(self, outside: int) -> int | None:
        """The largest timestamp delta of all records, given that of the records outside of columns;
        None when it is not the one that the header claims and must be searched for.
        """
        claimed = self._claimed_delta
        if claimed is None or not self._used:
            return outside
        if self._refuted or outside > claimed or not (self._confirmed or outside == claimed):
            return None
        return claimed

    def smallest(self, outside: int) -> int:
        """A lower bound of the timestamp deltas of all records."""
        return min(outside, self._floor)

    def run(self, start: int, stop: int, value_at: int, headers_at: int, left: int) -> int:
        """How many of the `left` records behind a sound one have its layout and size; 0 when there
        are too few to be worth a look.

        The sound one lies at `start…stop`, its value length at `value_at`, its headers at
        `headers_at`.
        """
        data = self._data
        size = stop - start
        most = min(left, (len(data) - stop) // size) + 1
        if most <= FEWEST_IN_COLUMNS:
            return 0
        first = data[start]
        if data[stop] != first or data[stop + (FEWEST_IN_COLUMNS - 1) * size] != first:
            return 0
        constant, timestamp_at, key_at = _layout(data, start, value_at, headers_at)
        stop = start + most * size
        for at in constant:
            cells = data[at:stop:size]
            expected = _BYTE[data[at]]
            if cells != expected * most:
                most -= len(bytes(cells).lstrip(expected))
                stop = start + most * size
        for at in range(timestamp_at + 1, key_at):
            most = _leading_alike(bytes(data[at:stop:size]))
            stop = start + most * size
        # Many producers stamp a whole batch with one time.
        stamps = data[timestamp_at:stop:size]
        if data[timestamp_at] >= 0x80 or stamps != _BYTE[data[timestamp_at]] * most:
            most = _leading_alike(bytes(stamps))
            stop = start + most * size
            self._note(timestamp_at, stop, size)
        return most - 1

    def _note(self, at: int, stop: int, size: int) -> None:
        """Compare the column of timestamp deltas that begins at `at` with the claim."""
        claimed = self._claimed_delta
        if claimed is None:
            return
        self._used = True
        data = self._data
        low = bytes(data[at:stop:size])
        if low[0] < 0x80:
            self._floor = min(self._floor, _ONE_BYTE_MINIMUM)
            if claimed < 0:
                self._refuted = True
            elif claimed < len(_NOT_ABOVE):
                self._refuted |= bool(low.translate(None, _NOT_ABOVE[claimed]))
                self._confirmed |= 2 * claimed in low
        elif data[at + 1] < 0x80:
            self._floor = min(self._floor, _TWO_BYTE_MINIMUM)
            self._note_wide(low, bytes(data[at + 1 : stop : size]), claimed)
        else:
            self._refuted = True  # deltas of more than eight seconds are left to the search

    def _note_wide(self, low: bytes, high: bytes, claimed: int) -> None:
        """The same for deltas of two bytes: all of them are compared as the 16-bit cells of one
        integer.
        """
        if claimed < 0 or low.translate(None, _EVEN_BYTES):
            self._refuted = True  # negative deltas among them are left to the search
            return
        if claimed >= _TWO_BYTE_LIMIT:
            return
        count = len(low)
        pairs = bytearray(2 * count)
        # The first byte of a varint is the less significant one, and has its top bit set: with the
        # claim written the same way, comparing cells is comparing deltas.
        pairs[::2], pairs[1::2] = low, high
        claim = bytes((2 * claimed & 0x7F | 0x80, claimed >> 6))
        top_bits = int.from_bytes(b"\x00\x80" * count, "little")
        room = (int.from_bytes(claim * count, "little") | top_bits) - int.from_bytes(
            pairs, "little"
        )
        self._refuted |= room & top_bits != top_bits
        self._confirmed |= claim in pairs


def _layout(data: Buffer, start: int, value_at: int, headers_at: int) -> tuple[list[int], int, int]:
    """Of a sound record: where the bytes lie that fix its structure, its timestamp delta and its
    key length.
    """
    timestamp_at = _after_varint(data, start) + 1
    key_at = _after_varint(data, _after_varint(data, timestamp_at))
    constant = list(range(start, timestamp_at - 1))
    lengths_at = [key_at, value_at, headers_at]
    if data[headers_at]:
        skip_headers(data, headers_at, lengths_at)
    for at in lengths_at:
        constant.append(at)
        if data[at] >= 0x80:
            constant.extend(range(at + 1, _after_varint(data, at)))
    return constant, timestamp_at, key_at


def _after_varint(data: Buffer, position: int) -> int:
    """The position after the varint at `position`."""
    while data[position] >= 0x80:
        position += 1
    return position + 1


def _leading_alike(cells: bytes) -> int:
    """How many cells from the first on have the top bit of the first one."""
    if cells[0] >= 0x80:
        cells = cells.translate(_FLIP_TOP_BIT)
    return len(cells) if cells.isascii() else len(cells) - len(cells.lstrip(_LOW_BYTES))
