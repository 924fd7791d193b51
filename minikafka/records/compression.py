"""The five codecs of a batch body, in the framings that Kafka reads and writes.

gzip comes with Python. The others need the `[compression]` extra (cramjam for snappy and zstd, lz4
for its frames), whose modules are imported when a batch first needs them.

* gzip: reads members one after the other and ignores what follows them; writes one.
* snappy: reads the xerial stream of snappy-java or one bare block; writes xerial, 32 KiB blocks.
* lz4: reads one frame of independent blocks, of any block size and with any checksums, and refuses
  linked blocks as Kafka does; writes 64 KiB blocks with no checksum but the header's. (A wrong
  content checksum, which Kafka never looks at, is refused.)
* zstd: reads frames one after the other, skippable ones too; writes one.

Decompression never makes more than `limit_bytes` of output, whatever the input claims.
"""

import zlib
from enum import IntEnum
from struct import Struct
from typing import Any

from minikafka.protocol.types import Buffer
from minikafka.records.errors import (
    CorruptRecordError,
    DecompressionLimitError,
    MissingExtraError,
)
from minikafka.records.zstd_frames import largest_content


class Codec(IntEnum):
    """Bits 0–2 of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


CODEC_NAMES = {
    "none": Codec.NONE,
    "uncompressed": Codec.NONE,
    "gzip": Codec.GZIP,
    "snappy": Codec.SNAPPY,
    "lz4": Codec.LZ4,
    "zstd": Codec.ZSTD,
}
"""Codecs by the names that producers (`compression.type`) and topics give them."""

_GZIP_WINDOW_BITS = 31
_GZIP_MAGIC = b"\x1f\x8b\x08"

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + b"\x00\x00\x00\x01\x00\x00\x00\x01"
_XERIAL_BLOCK_BYTES = 32 * 1024
_BLOCK_LENGTH = Struct(">i")

_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_LZ4_HEADER_BYTES = 7
_LZ4_INDEPENDENT_BLOCKS = 0x20
_LZ4_RESERVED_OR_DICTIONARY = 0x03
_LZ4_DEFAULT_LEVEL = 9
_LZ4_HIGHEST_LEVEL = 12
_ZSTD_DEFAULT_LEVEL = 3


def compress(codec: int, data: Buffer, level: int | None = None) -> bytes:
    """`data` in the framing of `codec`; `level` as in Kafka's `compression.<codec>.level`.

    Raises MissingExtraError when the codec's package is not installed.
    """
    match codec:
        case Codec.NONE:
            return bytes(data)
        case Codec.GZIP:
            return zlib.compress(data, -1 if level is None else level, _GZIP_WINDOW_BITS)
        case Codec.SNAPPY:
            return _compress_snappy(data)
        case Codec.LZ4:
            return _compress_lz4(data, level)
        case Codec.ZSTD:
            level = _ZSTD_DEFAULT_LEVEL if level is None else level
            return bytes(_cramjam("zstd").zstd.compress(data, level))
        case _:
            raise CorruptRecordError(f"no codec has the number {codec}")


def decompress(codec: int, data: Buffer, limit_bytes: int) -> bytes:
    """What `data` holds.

    Raises DecompressionLimitError when that is more than `limit_bytes`, CorruptRecordError when the
    data is not in a framing that Kafka accepts or the codec unknown, MissingExtraError.
    """
    match codec:
        case Codec.NONE:
            if len(data) > limit_bytes:
                raise DecompressionLimitError(limit_bytes)
            return bytes(data)
        case Codec.GZIP:
            return _decompress_gzip(data, limit_bytes)
        case Codec.SNAPPY:
            return _decompress_snappy(data, limit_bytes)
        case Codec.LZ4:
            return _decompress_lz4(data, limit_bytes)
        case Codec.ZSTD:
            return _decompress_zstd(data, limit_bytes)
        case _:
            raise CorruptRecordError(f"no codec has the number {codec}")


def _decompress_gzip(data: Buffer, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    room = limit_bytes
    rest: Buffer = data
    while True:
        member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        try:
            # One byte more than there is room for tells a full buffer from an overflow.
            part = member.decompress(rest, room + 1)
        except zlib.error as error:
            raise CorruptRecordError(f"gzip: {error}") from error
        room -= len(part)
        if room < 0:
            raise DecompressionLimitError(limit_bytes)
        parts.append(part)
        if not member.eof:
            raise CorruptRecordError("gzip: data ends within a member")
        rest = member.unused_data
        if not rest.startswith(_GZIP_MAGIC):
            return b"".join(parts)


def _compress_snappy(data: Buffer) -> bytes:
    compress_block = _cramjam("snappy").snappy.compress_raw
    view = memoryview(data)
    parts = [_XERIAL_HEADER]
    for start in range(0, len(view), _XERIAL_BLOCK_BYTES):
        block = bytes(compress_block(view[start : start + _XERIAL_BLOCK_BYTES]))
        parts += (_BLOCK_LENGTH.pack(len(block)), block)
    return b"".join(parts)


def _decompress_snappy(data: Buffer, limit_bytes: int) -> bytes:
    module = _cramjam("snappy")
    view = memoryview(data)
    blocks = _xerial_blocks(view) if _is_xerial(view, 0) else [view]
    parts = []
    room = limit_bytes
    try:
        for block in blocks:
            room -= module.snappy.decompress_raw_len(block)
            if room < 0:
                raise DecompressionLimitError(limit_bytes)
            parts.append(bytes(module.snappy.decompress_raw(block)))
    except module.DecompressionError as error:
        raise CorruptRecordError(str(error)) from error
    return b"".join(parts)


def _is_xerial(view: memoryview, position: int) -> bool:
    """Whether a stream header begins here; its version numbers are not looked at, as in Kafka."""
    whole = len(view) - position >= len(_XERIAL_HEADER)
    return whole and view[position : position + len(_XERIAL_MAGIC)] == _XERIAL_MAGIC


def _xerial_blocks(view: memoryview) -> list[memoryview]:
    """The blocks of one or more xerial streams; a cut length at the end is ignored, as in Kafka."""
    blocks = []
    at = 0
    while len(view) - at >= _BLOCK_LENGTH.size:
        if _is_xerial(view, at):
            at += len(_XERIAL_HEADER)
            continue
        (length,) = _BLOCK_LENGTH.unpack_from(view, at)
        at += _BLOCK_LENGTH.size
        if not 0 < length <= len(view) - at:
            raise CorruptRecordError("snappy: block length outside of the data")
        blocks.append(view[at : at + length])
        at += length
    return blocks


def _compress_lz4(data: Buffer, level: int | None) -> bytes:
    frame = _lz4_frame()
    # Kafka's default level means its fast compressor, every other one the high compressor.
    fast = level is None or level == _LZ4_DEFAULT_LEVEL
    compressed: bytes = frame.compress(
        data,
        compression_level=0 if fast else min(level or 0, _LZ4_HIGHEST_LEVEL),
        block_size=frame.BLOCKSIZE_MAX64KB,
        block_linked=False,
        store_size=False,
    )
    return compressed


def _decompress_lz4(data: Buffer, limit_bytes: int) -> bytes:
    frame = _lz4_frame()
    if len(data) < _LZ4_HEADER_BYTES or data[:4] != _LZ4_MAGIC:
        raise CorruptRecordError("lz4: no frame")
    flags = data[4]
    if not flags & _LZ4_INDEPENDENT_BLOCKS or flags & _LZ4_RESERVED_OR_DICTIONARY:
        raise CorruptRecordError("lz4: linked blocks, dictionary or reserved flag")
    decompressor = frame.LZ4FrameDecompressor()
    try:
        out: bytes = decompressor.decompress(data, max_length=limit_bytes + 1)
    except (RuntimeError, ValueError) as error:
        raise CorruptRecordError(f"lz4: {error}") from error
    if len(out) > limit_bytes:
        raise DecompressionLimitError(limit_bytes)
    if not decompressor.eof:
        raise CorruptRecordError("lz4: data ends within the frame")
    return out


def _decompress_zstd(data: Buffer, limit_bytes: int) -> bytes:
    if not data:
        return b""
    module = _cramjam("zstd")
    largest = largest_content(data)
    out = bytearray(min(largest, limit_bytes))
    try:
        size = module.zstd.decompress_into(data, out)
    except module.DecompressionError as error:
        if largest > limit_bytes:
            raise DecompressionLimitError(limit_bytes) from error
        raise CorruptRecordError(f"zstd: {error}") from error
    del out[size:]
    return bytes(out)


def _cramjam(codec_name: str) -> Any:
    try:
        import cramjam
    except ImportError:
        raise MissingExtraError(codec_name) from None
    return cramjam


def _lz4_frame() -> Any:
    try:
        import lz4.frame
    except ImportError:
        raise MissingExtraError("lz4") from None
    return lz4.frame
