"""Python source under construction: what the compilers of decoders and encoders share."""

from __future__ import annotations

import struct
from typing import Any, Final

from minikafka.protocol.schema import PRIMITIVES, Field, fields_of

# The number codes of which arrays occur; an array of booleans or floats would go here too.
ARRAY_CODES: Final = frozenset("bhHiIqd")

_structs: dict[str, struct.Struct] = {}


def struct_for(codes: str) -> struct.Struct:
    """The big-endian `struct.Struct` for these codes; one for all compiled codecs."""
    made = _structs.get(codes)
    if made is None:
        made = _structs[codes] = struct.Struct(">" + codes)
    return made


class Source:
    """Lines of a function at a growing depth, and the objects its names stand for."""

    __slots__ = ("_count", "_lines", "depth", "names")

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = dict(names)
        self.depth = 0
        self._lines: list[str] = []
        self._count = 0

    def add(self, text: str) -> None:
        """Adds one line at the present depth."""
        self._lines.append(" " * self.depth + text)

    def add_first(self, text: str) -> None:
        """Adds a line at the head of the function's body."""
        self._lines.insert(1, " " + text)

    def fresh(self, prefix: str) -> str:
        """A variable name that was not used before."""
        self._count += 1
        return f"{prefix}{self._count}"

    def constant(self, prefix: str, value: Any) -> str:
        """A name for an object that the function uses."""
        name = self.fresh(prefix)
        self.names[name] = value
        return name

    def compile(self, file_name: str, function: str) -> Any:
        """Compiles the lines and returns the function they define."""
        exec(compile(self.text(), file_name, "exec"), self.names)
        return self.names[function]

    def text(self) -> str:
        """The source written so far."""
        return "\n".join(self._lines)


def live_fields(struct: type, version: int) -> tuple[list[Field], list[Field], list[Field]]:
    """The fields of a struct in a version: ordinary, tagged (by ascending tag), and absent."""
    ordinary, tagged, absent = [], [], []
    for field in fields_of(struct):
        if not field.in_version(version):
            absent.append(field)
        elif field.tagged_in(version):
            tagged.append(field)
        else:
            ordinary.append(field)
    tagged.sort(key=lambda field: field.tag)
    return ordinary, tagged, absent


def least_bytes(struct: type, version: int, flexible: bool) -> int:
    """The bytes that an instance has at least: what bounds an array's count by the bytes left."""
    ordinary, _, _ = live_fields(struct, version)
    total = 1 if flexible else 0
    for field in ordinary:
        total += 1 if _is_bare_null(field, version) else least_bytes_of(field, version, flexible)
    return total


def _is_bare_null(field: Field, version: int) -> bool:
    return field.struct is not None and not field.is_array and field.nullable_in(version)


def least_bytes_of(field: Field, version: int, flexible: bool, element: bool = False) -> int:
    """The bytes that a field's value, or one element of its array, has at least."""
    flexible = flexible and not field.never_flexible
    if field.is_array and not element:
        return 1 if flexible else 4
    if field.struct is not None:
        return least_bytes(field.struct, version, flexible)
    if field.type_name == "Uuid":
        return 16
    code = PRIMITIVES[field.type_name]
    if code:
        return struct_for(code).size
    if flexible:
        return 1
    return 2 if field.type_name == "String" else 4
