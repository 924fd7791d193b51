"""Compiles the decoder of one message version: the schema is walked once, not per message.

For a request of a nullable name and an array of partitions, flexible, the result reads like

    def decode(b, p=0):
     end = len(b)
     try:
      o1 = new(SampleRequest)
      n2 = b[p]; p += 1
      if 0 < n2 < 128: q = p + n2 - 1; o1.name = str(b[p:q], 'utf-8'); p = q
      else: o1.name, p = read_long_nullable_string(b, p, n2, 'SampleRequest.name')
      …
     except failures as error:
      raise malformed('SampleRequest', 3, error) from error
     if p > end: raise malformed('SampleRequest', 3, 'truncated')
     return o1, p

What makes it fast (measured in the performance notes of docs/protocol.md): neighbouring fields of
fixed size, the length prefix behind them and the first byte of a varint are read by one
`struct.unpack_from` straight into the object's slots; number arrays by another one; strings are
sliced without a call. What makes it safe: a slice past the end is shorter than it should be but
never wrong twice, because the position then lies past the end, where the next read fails or, at
the latest, the final check; counts are compared with the bytes left before anything is allocated.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from minikafka.protocol import primitives
from minikafka.protocol.errors import MalformedMessage
from minikafka.protocol.primitives import ArrayReaders
from minikafka.protocol.schema import FRESH, PRIMITIVES, Field
from minikafka.protocol.source import Source, least_bytes_of, live_fields, struct_for
from minikafka.protocol.types import ZERO_UUID, Message


def _malformed(name: str, version: int, cause: object) -> MalformedMessage:
    return MalformedMessage(f"{name} v{version}: {cause}")


_NAMES: Final[dict[str, Any]] = {
    "ZERO_UUID": ZERO_UUID,
    # what Python raises where the buffer ends, or a text is no UTF-8
    "failures": (IndexError, UnicodeDecodeError, struct.error),
    "keep_tags": primitives.keep_tags,
    "make_uuid": primitives.make_uuid,
    "malformed": _malformed,
    "new": object.__new__,
    "null_value": primitives.null_value,
    "read_long_nullable_string": primitives.read_long_nullable_string,
    "read_long_string": primitives.read_long_string,
    "read_tag": primitives.read_tag,
    "read_uuids": primitives.read_uuids,
    "skip_tags": primitives.skip_tags,
    "too_long": primitives.too_long,
    "too_many": primitives.too_many,
    "uvarint": primitives.uvarint,
    "wrong_tag_size": primitives.wrong_tag_size,
    **{f"array_{code}": ArrayReaders(code) for code in "bhHiIqd"},
}


def compile_decoder(message: type[Message], version: int) -> Any:
    """The function `decode(buffer, position=0) -> (message, position)` for one version."""
    return DecoderCompiler(message, version).compile()


class DecoderCompiler:
    """Writes one decoder. `_run` holds the fixed-size values that the next unpack will read."""

    def __init__(self, message: type[Message], version: int) -> None:
        self._message = message
        self._version = version
        self._source = Source(_NAMES)
        self._run: list[tuple[str, str]] = []  # (struct code, assignment target)
        self._then: list[str] = []  # lines to add once the run has been read
        self._has_records = False

    def compile(self) -> Any:
        """Compiles the function."""
        self._write()
        name = f"<decode {self._message.__name__} v{self._version}>"
        return self._source.compile(name, "decode")

    def text(self) -> str:
        """The function's source, to look at."""
        self._write()
        return self._source.text()

    def _write(self) -> None:
        source, message, version = self._source, self._message, self._version
        source.add("def decode(b, p=0):")
        source.depth = 1
        source.add("end = len(b)")
        source.add("try:")
        source.depth = 2
        result = self._struct(message, version >= message.flexible)
        self._flush()
        source.depth = 1
        source.add("except failures as error:")
        source.add(f" raise malformed({message.__name__!r}, {version}, error) from error")
        source.add(f"if p > end: raise malformed({message.__name__!r}, {version}, 'truncated')")
        source.add(f"return {result}, p")
        if self._has_records:
            source.add_first("view = memoryview(b)")

    # Fixed-size values are collected …

    def _read(self, code: str, target: str) -> None:
        self._run.append((code, target))

    def _flush(self) -> None:
        """… and read together, when something of variable size follows."""
        source, run = self._source, self._run
        if run:
            if run[-1][0] == "B" and len(run) == 1:
                source.add(f"{run[0][1]} = b[p]; p += 1")
            else:
                codes = "".join([code for code, _ in run])
                unpacker = struct_for(codes)
                name = "u_" + codes.replace("?", "z")
                source.names[name] = unpacker.unpack_from
                targets = ", ".join([target for _, target in run])
                comma = "," if len(codes) == 1 else ""
                source.add(f"{targets}{comma} = {name}(b, p); p += {unpacker.size}")
            self._run = []
        for line in self._then:
            source.add(line)
        self._then = []

    # Structs

    def _struct(self, struct: type, flexible: bool) -> str:
        """Reads a struct; returns the variable that holds it."""
        source = self._source
        ordinary, tagged, absent = live_fields(struct, self._version)
        instance = source.fresh("o")
        source.names[struct.__name__] = struct
        source.add(f"{instance} = new({struct.__name__})")
        for field in ordinary:
            self._field(
                field, f"{instance}.{field.name}", flexible, f"{struct.__name__}.{field.name}"
            )
        for field in (*absent, *tagged):
            source.add(f"{instance}.{field.name} = {self._default(field)}")
        is_message = struct is self._message
        if is_message:
            source.add(f"{instance}.unknown_tags = ()")
        if flexible:
            self._tags(tagged, instance, is_message)
        return instance

    def _default(self, field: Field) -> str:
        default = field.default
        if default is FRESH:
            if field.is_array:
                return "[]"
            self._source.names[field.struct.__name__] = field.struct
            return f"{field.struct.__name__}()"
        if default is ZERO_UUID:
            return "ZERO_UUID"
        return repr(default)

    def _tags(self, tagged: list[Field], instance: str, is_message: bool) -> None:
        source = self._source
        count = source.fresh("n")
        self._read("B", count)
        self._flush()
        if not tagged:
            if is_message:
                source.add(f"if {count}: {instance}.unknown_tags, p = keep_tags(b, p, {count})")
            else:
                source.add(f"if {count}: p = skip_tags(b, p, {count})")
            return
        source.add(f"if {count}:")
        source.depth += 1
        source.add(f"if {count} > 127: {count}, p = uvarint(b, p, {count})")
        tag, stop = source.fresh("tag"), source.fresh("stop")
        source.add(f"{tag} = -1")
        if is_message:
            source.add("unknown = []")
        source.add(f"for _ in range({count}):")
        source.depth += 1
        source.add(f"{tag}, p, {stop} = read_tag(b, p, {tag})")
        for keyword, field in zip(["if"] + ["elif"] * len(tagged), tagged, strict=False):
            source.add(f"{keyword} {tag} == {field.tag}:")
            source.depth += 1
            where = f"{instance}.{field.name}"
            self._field(field, where, True, where, is_tagged=True)
            self._flush()
            source.add(f"if p != {stop}: raise wrong_tag_size({tag})")
            source.depth -= 1
        source.add("else:")
        if is_message:
            source.add(f" unknown.append(({tag}, bytes(b[p:{stop}])))")
        source.add(f" p = {stop}")
        source.depth -= 1
        if is_message:
            source.add(f"if unknown: {instance}.unknown_tags = tuple(unknown)")
        source.depth -= 1

    # Values

    def _field(
        self, field: Field, target: str, flexible: bool, where: str, *, is_tagged: bool = False
    ) -> None:
        flexible = flexible and not field.never_flexible
        if field.is_array:
            self._array(field, target, flexible, where)
        elif field.struct is not None:
            self._struct_field(field, target, flexible, is_tagged)
        else:
            self._primitive(field, target, flexible, where, field.nullable_in(self._version))

    def _struct_field(self, field: Field, target: str, flexible: bool, is_tagged: bool) -> None:
        source = self._source
        if not field.nullable_in(self._version):
            source.add(f"{target} = {self._struct(field.struct, flexible)}")
            return
        # int8, -1 for null; in a tagged field an unsigned varint, 0 for null
        presence = source.fresh("n")
        self._read("B" if is_tagged else "b", presence)
        self._flush()
        source.add(f"if {presence} {'> 0' if is_tagged else '>= 0'}:")
        source.depth += 1
        instance = self._struct(field.struct, flexible)
        self._flush()
        source.add(f"{target} = {instance}")
        source.depth -= 1
        source.add(f"else: {target} = None")

    def _primitive(
        self, field: Field, target: str, flexible: bool, where: str, nullable: bool
    ) -> None:
        code = PRIMITIVES[field.type_name]
        if code:
            self._read(code, target)
        elif field.type_name == "Uuid":
            high, low = self._source.fresh("h"), self._source.fresh("l")
            self._read("Q", high)
            self._read("Q", low)
            self._then.append(f"{target} = make_uuid({high}, {low})")
        elif field.type_name == "String":
            self._string(target, flexible, where, nullable)
        else:
            self._bytes(field, target, flexible, where, nullable)

    def _string(self, target: str, flexible: bool, where: str, nullable: bool) -> None:
        source = self._source
        length = source.fresh("n")
        self._read("B" if flexible else "h", length)
        self._flush()
        if flexible:
            long = "read_long_nullable_string" if nullable else "read_long_string"
            source.add(
                f"if 0 < {length} < 128: "
                f"q = p + {length} - 1; {target} = str(b[p:q], 'utf-8'); p = q"
            )
            source.add(f"else: {target}, p = {long}(b, p, {length}, {where!r})")
        else:
            source.add(
                f"if {length} >= 0: q = p + {length}; {target} = str(b[p:q], 'utf-8'); p = q"
            )
            source.add(f"else: {self._null(target, where, nullable)}")

    def _bytes(self, field: Field, target: str, flexible: bool, where: str, nullable: bool) -> None:
        source = self._source
        length = self._count(flexible)
        if field.type_name == "Bytes":
            value = "bytes(b[p:q])"
        else:
            value = "view[p:q]"
            self._has_records = True
        source.add(f"if {length} >= 0:")
        source.add(f" q = p + {length}")
        source.add(f" if q > end: raise too_long({where!r}, {length})")
        source.add(f" {target} = {value}; p = q")
        source.add(f"else: {self._null(target, where, nullable)}")

    def _array(self, field: Field, target: str, flexible: bool, where: str) -> None:
        source = self._source
        count = self._count(flexible)
        least = least_bytes_of(field, self._version, flexible, element=True)
        assert least > 0, f"{where}: elements of no bytes would leave their count unbounded"
        size = count if least == 1 else f"{count} * {least}"
        source.add(f"if {count} >= 0:")
        source.depth += 1
        source.add(f"if {size} > end - p: raise too_many({where!r}, {count})")
        code = PRIMITIVES.get(field.type_name, "")
        if code:
            source.add(f"{target} = list(array_{code}[{count}](b, p)); p += {size}")
        elif field.type_name == "Uuid":
            source.add(f"{target} = read_uuids(b, p, {count}); p += {size}")
        else:
            self._elements(field, target, count, flexible, where)
        source.depth -= 1
        source.add(f"else: {self._null(target, where, field.nullable_in(self._version))}")

    def _elements(self, field: Field, target: str, count: str, flexible: bool, where: str) -> None:
        source = self._source
        array = source.fresh("a")
        source.add(f"{target} = {array} = []")
        source.add(f"for _ in range({count}):")
        source.depth += 1
        if field.struct is not None:
            element = self._struct(field.struct, flexible)
        else:
            element = source.fresh("x")
            self._primitive(field, element, flexible, where, nullable=False)
        self._flush()
        source.add(f"{array}.append({element})")
        source.depth -= 1

    def _count(self, flexible: bool) -> str:
        """Reads the length of an array or of bytes into a variable; null is negative."""
        source = self._source
        count = source.fresh("n")
        self._read("B" if flexible else "i", count)
        self._flush()
        if flexible:
            source.add(f"if {count} > 127: {count}, p = uvarint(b, p, {count})")
            source.add(f"{count} -= 1")
        return count

    def _null(self, target: str, where: str, nullable: bool) -> str:
        return f"{target} = None" if nullable else f"raise null_value({where!r})"
