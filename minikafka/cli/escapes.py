"""Backslash escapes in what users give as delimiters and formats."""

from __future__ import annotations

from string import hexdigits
from typing import Final

from minikafka.cli.exits import UsageError

_LETTERS: Final = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "\\": b"\\"}


def unescape(text: str) -> bytes:
    r"""`\n \r \t \0 \\ \xHH` as bytes, all else as UTF-8. UsageError for other escapes."""
    out = bytearray()
    rest = iter(text)
    for letter in rest:
        if letter != "\\":
            out += letter.encode("utf-8", "surrogateescape")
            continue
        escape = next(rest, "")
        if escape == "x":
            digits = next(rest, "") + next(rest, "")
            if len(digits) < 2 or not set(digits) <= set(hexdigits):
                raise UsageError(rf"\x{digits} is no byte: two hexadecimal digits")
            out.append(int(digits, 16))
        elif escape in _LETTERS:
            out += _LETTERS[escape]
        else:
            raise UsageError(rf"no escape is \{escape}")
    return bytes(out)
