"""Encode and decode messages. Codecs are compiled per class and version when first asked for.

    message, position = decode(FetchRequest, 13, buffer)
    data = encode(message, 13)

Whoever handles many messages of a kind keeps the compiled function: `decoder(cls, version)` and
`encoder(cls, version)`. All of it raises ProtocolError, and nothing else, for bytes that are no
message, values that cannot be written and versions that do not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from minikafka.protocol.decoding import compile_decoder
from minikafka.protocol.encoding import compile_encoder
from minikafka.protocol.errors import UnsupportedVersion
from minikafka.protocol.types import Buffer, Message

M = TypeVar("M", bound=Message)
M_co = TypeVar("M_co", bound=Message, covariant=True)


class Decode(Protocol[M_co]):
    """A compiled decoder: reads one message at `position`, returns it and where it ends."""

    def __call__(self, buffer: Buffer, position: int = 0, /) -> tuple[M_co, int]: ...


# A compiled encoder: hands the message's parts to the function given, records as they are.
Encode = Callable[[Any, Callable[[Any], None]], None]

_decoders: dict[tuple[type[Message], int], Any] = {}
_encoders: dict[tuple[type[Message], int], Encode] = {}


def decoder(cls: type[M], version: int) -> Decode[M]:
    """The compiled decoder of a message class in a version."""
    found = _decoders.get((cls, version))
    if found is None:
        _check_version(cls, version)
        found = _decoders[cls, version] = compile_decoder(cls, version)
    decode: Decode[M] = found
    return decode


def encoder(cls: type[Message], version: int) -> Encode:
    """The compiled encoder of a message class in a version."""
    found = _encoders.get((cls, version))
    if found is None:
        _check_version(cls, version)
        found = _encoders[cls, version] = compile_encoder(cls, version)
    return found


def decode(cls: type[M], version: int, buffer: Buffer, position: int = 0) -> tuple[M, int]:
    """Reads one message; returns it and the position behind it.

    Records fields are views of the buffer, everything else is copied out of it.
    """
    return decoder(cls, version)(buffer, position)


def encode(message: Message, version: int) -> bytes:
    """The message's bytes. Records must be buffers here; for regions see `encode_parts`."""
    parts = encode_parts(message, version)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def encode_parts(message: Message, version: int) -> list[Any]:
    """The message as a list of bytes and, in between, the records objects as they were given."""
    parts: list[Any] = []
    encoder(type(message), version)(message, parts.append)
    return parts


def _check_version(cls: type[Message], version: int) -> None:
    first, last = cls.versions
    if not first <= version <= last:
        raise UnsupportedVersion(f"{cls.__name__} has versions {first} to {last}, not {version}")
