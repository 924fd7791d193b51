"""The framings of the five codecs: what Kafka reads, what it refuses, what it writes."""

import struct
import sys
import zlib
from collections.abc import Callable

import cramjam
import lz4.frame
import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.records.compression import Codec, compress, decompress
from minikafka.records.errors import (
    CorruptRecordError,
    DecompressionLimitError,
    MissingExtraError,
)

SMALL = b"hello world hello world"
LARGE = b"".join(b"%d" % (n * 7919) * 20 for n in range(10_000))
"""More than a block of any codec."""
CONTENTS = pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
ALL = pytest.mark.parametrize("codec", list(Codec))


def raw_snappy(content: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(content))


def xerial(content: bytes, block_bytes: int = 32768, versions: tuple[int, int] = (1, 1)) -> bytes:
    out = b"\x82SNAPPY\0" + struct.pack(">ii", *versions)
    for start in range(0, len(content), block_bytes):
        block = raw_snappy(content[start : start + block_bytes])
        out += struct.pack(">i", len(block)) + block
    return out


def lz4_frame(content: bytes, **options: object) -> bytes:
    framed: bytes = lz4.frame.compress(content, **{"block_linked": False, **options})
    return framed


def zstd(content: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(content))


def flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1
    return bytes(changed)


SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
GZIP, SNAPPY, LZ4, ZSTD = Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD
Framing = Callable[[bytes], bytes]

READ: dict[str, tuple[Codec, Framing]] = {
    "gzip": (GZIP, lambda c: zlib.compress(c, wbits=31)),
    "gzip of two members": (
        GZIP,
        lambda c: zlib.compress(c[:9], wbits=31) + zlib.compress(c[9:], wbits=31),
    ),
    "gzip and an empty member": (
        GZIP,
        lambda c: zlib.compress(c, wbits=31) + zlib.compress(b"", wbits=31),
    ),
    "gzip and rubbish": (
        GZIP,
        lambda c: zlib.compress(c, wbits=31) + b"junkjunkjunkjunkjunkjunkjunk",
    ),
    "gzip and zeros": (GZIP, lambda c: zlib.compress(c, wbits=31) + bytes(10)),
    "xerial": (SNAPPY, xerial),
    "xerial of versions 0": (SNAPPY, lambda c: xerial(c, versions=(0, 0))),
    "xerial of versions 2": (SNAPPY, lambda c: xerial(c, versions=(2, 2))),
    "xerial of one block": (SNAPPY, lambda c: xerial(c, block_bytes=1 << 30)),
    "two xerial streams": (SNAPPY, lambda c: xerial(c[:9]) + xerial(c[9:])),
    "xerial and a cut length": (SNAPPY, lambda c: xerial(c) + bytes(2)),
    "one bare block": (SNAPPY, raw_snappy),
    "lz4": (LZ4, lz4_frame),
    "lz4, all flags": (
        LZ4,
        lambda c: lz4_frame(
            c, block_size=7, content_checksum=True, block_checksum=True, store_size=True
        ),
    ),
    "lz4, high compression": (LZ4, lambda c: lz4_frame(c, compression_level=12)),
    "lz4 and rubbish": (LZ4, lambda c: lz4_frame(c) + b"xxxxxxxx"),
    "zstd": (ZSTD, zstd),
    "zstd of two frames": (ZSTD, lambda c: zstd(c[:9]) + zstd(c[9:])),
    "zstd behind a skippable frame": (ZSTD, lambda c: SKIPPABLE + zstd(c)),
    "zstd with high compression": (ZSTD, lambda c: bytes(cramjam.zstd.compress(c, 19))),
}
REFUSED: dict[str, tuple[Codec, Framing]] = {
    "gzip: empty": (GZIP, lambda _: b""),
    "gzip: cut": (GZIP, lambda c: zlib.compress(c, wbits=31)[:-12]),
    "gzip: no trailer": (GZIP, lambda c: zlib.compress(c, wbits=31)[:-8]),
    "gzip: wrong crc": (GZIP, lambda c: flipped(zlib.compress(c, wbits=31), -8)),
    "gzip: wrong size": (GZIP, lambda c: flipped(zlib.compress(c, wbits=31), -1)),
    "gzip: zlib": (GZIP, zlib.compress),
    "gzip: second member cut": (GZIP, lambda c: (zlib.compress(c, wbits=31) * 2)[:-3]),
    "snappy: empty": (SNAPPY, lambda _: b""),
    "snappy: framing format": (SNAPPY, lambda c: bytes(cramjam.snappy.compress(c))),
    "snappy: bare block and rubbish": (SNAPPY, lambda c: raw_snappy(c) + b"x"),
    "xerial: cut header": (SNAPPY, lambda c: xerial(c)[:12]),
    "xerial: cut block": (SNAPPY, lambda c: xerial(c)[:-3]),
    "xerial: empty block": (SNAPPY, lambda c: xerial(c) + bytes(4)),
    "xerial: negative block": (SNAPPY, lambda c: xerial(c) + b"\xff" * 4),
    "lz4: empty": (LZ4, lambda _: b""),
    "lz4: no frame": (LZ4, lambda c: lz4.frame.compress(c)[4:]),
    "lz4: linked blocks": (LZ4, lambda _: lz4.frame.compress(LARGE)),
    "lz4: linked flag": (LZ4, lambda c: bytes(cramjam.lz4.compress(c))),
    "lz4: cut": (LZ4, lambda c: lz4_frame(c)[:-4]),
    "lz4: end mark cut": (LZ4, lambda c: lz4_frame(c)[:-1]),
    "lz4: wrong header checksum": (LZ4, lambda c: flipped(lz4_frame(c), 6)),
    "lz4: wrong block checksum": (LZ4, lambda c: flipped(lz4_frame(c, block_checksum=True), -5)),
    "lz4: skippable frame first": (LZ4, lambda c: SKIPPABLE + lz4_frame(c)),
    "zstd: cut": (ZSTD, lambda c: zstd(c)[:-3]),
    "zstd: header cut": (ZSTD, lambda c: zstd(c)[:5]),
    "zstd: rubbish behind": (ZSTD, lambda c: zstd(c) + b"junkjunk"),
    "zstd: no frame": (ZSTD, lambda c: b"junk" + zstd(c)),
    "zstd: skippable frame cut": (ZSTD, lambda c: zstd(c) + SKIPPABLE[:-1]),
    "unknown codec": (5, lambda c: c),  # type: ignore[dict-item]
}


@CONTENTS
@pytest.mark.parametrize(("codec", "framing"), READ.values(), ids=READ)
def test_read(codec: Codec, framing: Framing, content: bytes) -> None:
    assert decompress(codec, memoryview(framing(content)), len(content)) == content


@CONTENTS
@pytest.mark.parametrize(("codec", "framing"), READ.values(), ids=READ)
def test_the_limit_holds_in_every_framing(codec: Codec, framing: Framing, content: bytes) -> None:
    with pytest.raises(DecompressionLimitError):
        decompress(codec, framing(content), len(content) - 1)


@CONTENTS
@pytest.mark.parametrize(("codec", "framing"), REFUSED.values(), ids=REFUSED)
def test_refused(codec: Codec, framing: Framing, content: bytes) -> None:
    with pytest.raises(CorruptRecordError) as caught:
        decompress(codec, framing(content), 1 << 30)
    assert caught.value.code == ErrorCode.CORRUPT_MESSAGE
    assert not isinstance(caught.value, DecompressionLimitError)


@ALL
@pytest.mark.parametrize("content", [b"", b"x", SMALL, LARGE])
def test_round_trip(codec: Codec, content: bytes) -> None:
    assert decompress(codec, compress(codec, content), len(content)) == content


@ALL
def test_any_buffer_will_do(codec: Codec) -> None:
    for buffer in (bytearray(SMALL), memoryview(b"--" + SMALL)[2:]):
        assert decompress(codec, bytearray(compress(codec, buffer)), 100) == SMALL


def test_an_empty_stream_holds_nothing() -> None:
    assert decompress(Codec.ZSTD, b"", 10) == b""
    assert decompress(Codec.SNAPPY, xerial(b""), 10) == b""


def test_written_framings() -> None:
    assert compress(Codec.NONE, LARGE) == LARGE
    assert compress(Codec.GZIP, LARGE)[:4] == b"\x1f\x8b\x08\x00"
    assert compress(Codec.LZ4, LARGE)[:7] == b"\x04\x22\x4d\x18\x60\x40\x82"
    assert compress(Codec.ZSTD, LARGE)[:4] == b"\x28\xb5\x2f\xfd"
    snappy = compress(Codec.SNAPPY, LARGE)
    assert snappy == xerial(LARGE)
    with pytest.raises(CorruptRecordError):
        compress(6, LARGE)


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_a_bomb_does_not_grow(codec: Codec) -> None:
    bomb = compress(codec, bytes(32 << 20))
    with pytest.raises(DecompressionLimitError, match="100000 bytes"):
        decompress(codec, bomb, 100_000)


def test_a_snappy_block_that_claims_too_much() -> None:
    with pytest.raises(DecompressionLimitError):
        decompress(Codec.SNAPPY, b"\xff\xff\xff\xff\x0f" + b"aa", 1 << 20)


@pytest.mark.parametrize("codec", [Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_a_missing_package_is_named(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    framed = compress(codec, SMALL)
    for package in ("cramjam", "lz4", "lz4.frame"):
        monkeypatch.setitem(sys.modules, package, None)
    for attempt in (lambda: compress(codec, SMALL), lambda: decompress(codec, framed, 100)):
        with pytest.raises(MissingExtraError, match=r"pip install minikafka\[compression\]") as e:
            attempt()
        assert codec.name.lower() in e.value.message
        assert e.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert decompress(Codec.GZIP, compress(Codec.GZIP, SMALL), 100) == SMALL
