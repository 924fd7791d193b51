"""Reads a message class's annotations into `Field`s: what the codec compilers and the schema tests
work on.

A schema module is imported for its classes only; annotations stay text (PEP 563) and are parsed
here, on first use, because evaluating them through `typing` would cost more than the whole start-up
budget of a message.

The grammar is small:

    annotation = type | "Annotated[" type "," marker {"," marker} "]"
    type       = ( name | "list[" name "]" ) [ " | None" ]
    name       = a primitive of `PRIMITIVES` or a struct class of the same module
    marker     = since(v) | until(v) | tag(number, v) | null_since(v) | named("wireName")
               | ignorable | never_null | never_flexible

`tag(number, v)` implies `since(v)` unless another one is given. A nested struct's fields exist
wherever the field that holds the struct does.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

FOREVER: Final = 32767  # no version can be higher: api versions are int16

# How `struct` packs a primitive of fixed size; the compilers write the others out.
PRIMITIVES: Final = {
    "Bool": "?",
    "Int8": "b",
    "Int16": "h",
    "Uint16": "H",
    "Int32": "i",
    "Uint32": "I",
    "Int64": "q",
    "Float64": "d",
    "String": "",
    "Bytes": "",
    "Records": "",
    "Uuid": "",
}

_MARKER: Final = re.compile(r"(\w+)(?:\(([^)]*)\))?")


class _Fresh:
    __slots__ = ()

    def __repr__(self) -> str:
        return "FRESH"


# A default that must not be shared: every instance gets a new list, or a new struct of the field's
# type.
FRESH: Final[Any] = _Fresh()


class Field:
    """One field of a struct, in all its versions.

    `type_name` is the primitive's name or the struct's; `struct` is that class, None for a
    primitive. The field is on the wire in versions `since..until`, nullable from `null_since` on,
    and travels as tag `tag` from `tag_since` on (-1: never). `wire_name` is the schema's name in
    lower camel case. `never_null`: None is the absent (default) value of a tagged struct and never
    written as null. `never_flexible`: keeps its classic form in flexible versions
    (RequestHeader.client_id).
    """

    __slots__ = (
        "default",
        "ignorable",
        "is_array",
        "name",
        "never_flexible",
        "never_null",
        "null_since",
        "nullable",
        "since",
        "struct",
        "tag",
        "tag_since",
        "type_name",
        "until",
        "wire_name",
    )

    def __init__(self, name: str, annotation: str, default: Any, module: dict[str, Any]) -> None:
        self.name = name
        self.wire_name = _camel(name)
        self.default = default
        self.since, self.until = -1, FOREVER
        self.tag, self.tag_since, self.null_since = -1, 0, 0
        self.ignorable = self.never_null = self.never_flexible = False
        if annotation.startswith("Annotated["):
            annotation, _, markers = annotation[len("Annotated[") : -1].partition(", ")
            for marker, argument in _MARKER.findall(markers):
                self._mark(marker, argument)
        if self.since < 0:
            self.since = self.tag_since
        type_text, _, null = annotation.partition(" | ")
        self.nullable = bool(null)
        self.is_array = type_text.startswith("list[")
        self.type_name: str = type_text[len("list[") : -1] if self.is_array else type_text
        self.struct: Any = None if self.type_name in PRIMITIVES else module[self.type_name]

    def _mark(self, marker: str, argument: str) -> None:
        match marker:
            case "since":
                self.since = int(argument)
            case "until":
                self.until = int(argument)
            case "tag":
                number, _, version = argument.partition(",")
                self.tag, self.tag_since = int(number), int(version)
            case "null_since":
                self.null_since = int(argument)
            case "named":
                self.wire_name = argument.strip("'\"")
            case "ignorable":
                self.ignorable = True
            case "never_null":
                self.never_null = True
            case "never_flexible":
                self.never_flexible = True
            case _:
                raise TypeError(f"{self.name}: unknown marker {marker!r} in a schema annotation")

    def __repr__(self) -> str:
        return f"Field({self.name}: {self.type_name} {self.since}..{self.until})"

    def in_version(self, version: int) -> bool:
        """Whether the version has the field, as an ordinary or as a tagged one."""
        return self.since <= version <= self.until

    def tagged_in(self, version: int) -> bool:
        """Whether the field travels in the tagged section of this version."""
        return self.tag >= 0 and version >= self.tag_since

    def nullable_in(self, version: int) -> bool:
        """Whether null may stand on the wire in this version."""
        return self.nullable and not self.never_null and version >= self.null_since

    def new_default(self) -> Any:
        """The value of a field that nobody set."""
        if self.default is not FRESH:
            return self.default
        return [] if self.is_array else self.struct()


_fields: dict[type, tuple[Field, ...]] = {}


def fields_of(struct: type) -> tuple[Field, ...]:
    """The fields of a struct class in wire order, parsed once."""
    fields = _fields.get(struct)
    if fields is None:
        module = vars(sys.modules[struct.__module__])
        defaults: dict[str, Any] = struct.__dict__["_defaults"]
        fields = _fields[struct] = tuple(
            Field(name, struct.__annotations__[name], default, module)
            for name, default in defaults.items()
        )
    return fields


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join([part[0].upper() + part[1:] for part in rest])
