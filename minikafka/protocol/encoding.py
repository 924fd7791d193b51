"""Compiles the encoder of one message version.

The result takes a message and an `append`; for a response of a number and an array of names it
reads like

    def encode(m, append):
     out = []
     try:
      x1 = m.names
      n2 = len(x1)
      if n2 < 127: out.append(p_iB(m.throttle_time_ms, n2 + 1))
      else: out.append(p_i(m.throttle_time_ms)); out.append(put_uvarint(n2 + 1))
      for m3 in x1:
       …
      data = b''.join(out)
     except failures as error:
      raise unencodable('SampleResponse', 3, error) from error
     append(data)

Neighbouring fixed-size fields and the length that follows them are packed by one call, and a zero
count of tagged fields is a pad byte of that call. `append` gets the message in few parts: what lies
in front of a records field, joined; the records as they were given, without a copy and perhaps a
region of a file; what lies behind. Small records are joined with their surroundings.
A value of the wrong type fails in `struct` or for want of an attribute, which leaves as
UnencodableMessage.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from minikafka.protocol import primitives
from minikafka.protocol.errors import UnencodableMessage, UnsupportedVersion
from minikafka.protocol.primitives import ArrayWriters
from minikafka.protocol.schema import FRESH, PRIMITIVES, Field
from minikafka.protocol.source import Source, live_fields, struct_for
from minikafka.protocol.types import ZERO_UUID, Message

# Records of up to so many bytes are cheaper to copy than to hand on as a part of their own.
COPIED_RECORDS: Final = 1024


def _unencodable(name: str, version: int, cause: object) -> UnencodableMessage:
    return UnencodableMessage(f"{name} v{version}: {cause}")


def _unsupported(where: str, version: int) -> UnsupportedVersion:
    return UnsupportedVersion(f"{where} is set, which version {version} cannot carry")


_NAMES: Final[dict[str, Any]] = {
    "buffers": frozenset((bytes, bytearray, memoryview)),
    # what Python raises for a value that is not of its field's type
    "failures": (AttributeError, OverflowError, TypeError, UnicodeEncodeError, struct.error),
    "long_string_prefix": primitives.long_string_prefix,
    "put_uvarint": primitives.put_uvarint,
    "unencodable": _unencodable,
    "unsupported": _unsupported,
    "write_tags": primitives.write_tags,
    **{f"array_{code}": ArrayWriters(code) for code in "bhHiIqd"},
}


def compile_encoder(message: type[Message], version: int) -> Any:
    """The function `encode(message, append)` for one version."""
    return EncoderCompiler(message, version).compile()


class EncoderCompiler:
    """Writes one encoder. `_run` holds the fixed-size values that the next pack will write."""

    def __init__(self, message: type[Message], version: int) -> None:
        self._message = message
        self._version = version
        self._source = Source(_NAMES)
        self._run: list[tuple[str, str]] = []  # (struct code, expression)
        self._out = "out"  # the list written to: a tagged field has one of its own

    def compile(self) -> Any:
        """Compiles the function."""
        self._write()
        name = f"<encode {self._message.__name__} v{self._version}>"
        return self._source.compile(name, "encode")

    def text(self) -> str:
        """The function's source, to look at."""
        self._write()
        return self._source.text()

    def _write(self) -> None:
        source, message, version = self._source, self._message, self._version
        source.add("def encode(m, append):")
        source.depth = 1
        source.add("out = []")
        source.add("try:")
        source.depth = 2
        self._struct(message, "m", version >= message.flexible)
        self._flush()
        source.add("data = b''.join(out)")
        source.depth = 1
        source.add("except failures as error:")
        source.add(f" raise unencodable({message.__name__!r}, {version}, error) from error")
        source.add("append(data)")

    # Fixed-size values are collected …

    def _put(self, code: str, expression: str = "") -> None:
        self._run.append((code, expression))

    def _packed(self, more: str = "", expression: str = "") -> str:
        """The expression that packs the run, with one more value behind it."""
        run = [*self._run, (more, expression)] if more else self._run
        codes = "".join([code for code, _ in run])
        values = [value for _, value in run if value]
        packer = struct_for(codes)
        if not values:
            return repr(packer.pack())
        name = "p_" + codes
        self._source.names[name] = packer.pack
        return f"{name}({', '.join(values)})"

    def _flush(self) -> None:
        """… and packed together, when something of variable size follows."""
        if self._run:
            self._source.add(f"{self._out}.append({self._packed()})")
            self._run = []

    # Structs

    def _struct(self, struct: type, instance: str, flexible: bool) -> None:
        ordinary, tagged, absent = live_fields(struct, self._version)
        for field in absent:
            if not field.ignorable:
                where = f"{struct.__name__}.{field.name}"
                is_default = self._is_default(field, f"{instance}.{field.name}")
                self._source.add(
                    f"if not ({is_default}): raise unsupported({where!r}, {self._version})"
                )
        self._fields(struct, ordinary, tagged, instance, flexible)

    def _fields(
        self,
        struct: type,
        ordinary: list[Field],
        tagged: list[Field],
        instance: str,
        flexible: bool,
        branch: bool = True,
    ) -> None:
        """Writes the fields of a struct from some field on.

        At its first nullable array of structs a struct goes two ways: where the array is null, its
        null is packed together with what lies before and behind (a fifth of a Fetch response).
        """
        source = self._source
        for index, field in enumerate(ordinary):
            value = f"{instance}.{field.name}"
            rest = ordinary[index + 1 :]
            forks = field.is_array and field.struct and field.nullable_in(self._version)
            if branch and rest and forks:
                run = self._run
                source.add(f"if {value} is None:")
                source.depth += 1
                self._run = [*run, ("B", "0") if flexible else ("i", "-1")]
                self._fields(struct, rest, tagged, instance, flexible, branch=False)
                self._flush()
                source.depth -= 1
                source.add("else:")
                source.depth += 1
                self._run = run
                self._fields(struct, ordinary[index:], tagged, instance, flexible, branch=False)
                self._flush()
                source.depth -= 1
                return
            self._field(field, value, flexible, f"{struct.__name__}.{field.name}")
        if flexible:
            self._tags(struct, tagged, instance)

    def _is_default(self, field: Field, value: str) -> str:
        """The expression for "this field has its default"."""
        if field.default is FRESH:
            if field.is_array:
                return f"{value} is not None and not {value}"
            name = self._source.constant("d", field.struct())
            return f"{value} == {name}"
        if field.default is None:
            return f"{value} is None"
        if field.default is ZERO_UUID:
            return f"not {value}.int"
        return f"{value} == {field.default!r}"

    def _tags(self, struct: type, tagged: list[Field], instance: str) -> None:
        source = self._source
        is_message = struct is self._message
        conditions = []
        values = []
        for field in tagged:
            value = source.fresh("t")
            source.add(f"{value} = {instance}.{field.name}")
            values.append(value)
            conditions.append(self._is_default(field, value))
        if is_message:
            conditions.append(f"not {instance}.unknown_tags")
        if not conditions:
            self._put("x")
            return
        source.add(f"if {' and '.join(conditions)}: {self._out}.append({self._packed('x')})")
        source.add("else:")
        source.depth += 1
        self._flush()
        known = source.fresh("known")
        source.add(f"{known} = []")
        for field, value in zip(tagged, values, strict=True):
            self._tagged_field(field, value, known)
        unknown = f", {instance}.unknown_tags" if is_message else ""
        source.add(f"write_tags({self._out}, {known}{unknown})")
        source.depth -= 1
        self._run = []

    def _tagged_field(self, field: Field, value: str, known: str) -> None:
        source, outer = self._source, self._out
        if field.never_null:
            default = source.constant("d", field.struct())
            source.add(f"if {value} is not None and {value} != {default}:")
        else:
            source.add(f"if not ({self._is_default(field, value)}):")
        source.depth += 1
        self._out = source.fresh("out")
        source.add(f"{self._out} = []")
        self._field(field, value, True, field.name, is_tagged=True)
        self._flush()
        source.add(f"{known}.append(({field.tag}, b''.join({self._out})))")
        source.depth -= 1
        self._out = outer

    # Values

    def _field(
        self, field: Field, value: str, flexible: bool, where: str, *, is_tagged: bool = False
    ) -> None:
        flexible = flexible and not field.never_flexible
        if field.is_array:
            self._array(field, value, flexible)
        elif field.struct is not None:
            self._struct_field(field, value, flexible, is_tagged)
        else:
            self._primitive(field, value, flexible, where, field.nullable_in(self._version))

    def _struct_field(self, field: Field, value: str, flexible: bool, is_tagged: bool) -> None:
        source = self._source
        instance = source.fresh("m")
        source.add(f"{instance} = {value}")
        if not field.nullable_in(self._version):
            self._struct(field.struct, instance, flexible)
            return
        # int8, -1 for null; in a tagged field an unsigned varint, 0 for null
        code, null = ("B", "0") if is_tagged else ("b", "-1")
        self._flush()
        source.add(
            f"if {instance} is None: {self._out}.append({struct_for(code).pack(int(null))!r})"
        )
        source.add("else:")
        source.depth += 1
        self._put(code, "1")
        self._struct(field.struct, instance, flexible)
        self._flush()
        source.depth -= 1

    def _primitive(
        self, field: Field, value: str, flexible: bool, where: str, nullable: bool
    ) -> None:
        code = PRIMITIVES[field.type_name]
        if code == "?":
            self._put("b", value)  # unlike "?", "b" does not take None for False
        elif code:
            self._put(code, value)
        elif field.type_name == "Uuid":
            number = self._source.fresh("u")
            self._source.add(f"{number} = {value}.int")
            self._put("Q", f"{number} >> 64")
            self._put("Q", f"{number} & 0xffffffffffffffff")
        elif field.type_name == "String":
            self._string(value, flexible, where, nullable)
        elif field.type_name == "Bytes":
            self._bytes(value, flexible, nullable)
        else:
            self._records(value, flexible, nullable)

    def _string(self, value: str, flexible: bool, where: str, nullable: bool) -> None:
        source = self._source
        text, length = source.fresh("x"), source.fresh("n")
        plus = " + 1" if flexible else ""
        if nullable:
            source.add(f"{text} = {value}")
            source.add(f"if {text} is None: {length} = {'0' if flexible else '-1'}; {text} = b''")
            source.add(f"else: {text} = {text}.encode(); {length} = len({text}){plus}")
        else:
            source.add(f"{text} = {value}.encode(); {length} = len({text}){plus}")
        if flexible:
            long = f"long_string_prefix({length}, {where!r})"
            self._prefix(length, long, f"{length} < 128")
        else:
            self._put("h", length)
            self._flush()
        source.add(f"{self._out}.append({text})")

    def _bytes(self, value: str, flexible: bool, nullable: bool) -> None:
        content = self._counted(value, flexible, nullable)
        condition = f"if {content} is not None: " if nullable else ""
        self._source.add(f"{condition}{self._out}.append({content})")

    def _records(self, value: str, flexible: bool, nullable: bool) -> None:
        assert self._out == "out", "records in a tagged field would have to be joined"
        source = self._source
        content = source.fresh("x")
        source.add(f"{content} = {value}")
        size = f"len({content}) if type({content}) in buffers else {content}.size"
        if nullable:
            size = f"-1 if {content} is None else {size}"
        length = source.fresh("n")
        source.add(f"{length} = {size}")
        self._length(length, flexible)
        source.add(f"if {length} > 0:")
        source.add(f" if {length} <= {COPIED_RECORDS} and type({content}) in buffers:")
        source.add(f"  out.append({content})")
        source.add(f" else: append(b''.join(out)); out.clear(); append({content})")

    def _array(self, field: Field, value: str, flexible: bool) -> None:
        source = self._source
        nullable = field.nullable_in(self._version)
        array = self._counted(value, flexible, nullable)
        code = PRIMITIVES.get(field.type_name, "")
        if code:
            source.add(f"if {array}: {self._out}.append(array_{code}[len({array})](*{array}))")
            return
        element = source.fresh("m")
        if nullable:
            source.add(f"if {array}:")
            source.depth += 1
        source.add(f"for {element} in {array}:")
        source.depth += 1
        if field.struct is not None:
            self._struct(field.struct, element, flexible)
        else:
            self._primitive(field, element, flexible, field.name, nullable=False)
        self._flush()
        source.depth -= 2 if nullable else 1

    def _counted(self, value: str, flexible: bool, nullable: bool) -> str:
        """Writes the length of an array or bytes; returns the variable that holds the value."""
        source = self._source
        content, length = source.fresh("x"), source.fresh("n")
        source.add(f"{content} = {value}")
        null = f"-1 if {content} is None else " if nullable else ""
        source.add(f"{length} = {null}len({content})")
        self._length(length, flexible)
        return content

    def _length(self, length: str, flexible: bool) -> None:
        """Writes a length, -1 for null, behind the run."""
        if flexible:
            self._prefix(f"{length} + 1", f"put_uvarint({length} + 1)", f"{length} < 127")
        else:
            self._put("i", length)
            self._flush()

    def _prefix(self, length: str, long: str, fits: str) -> None:
        """Writes a compact length behind the run: one byte of the same pack, if it fits."""
        out = self._out
        run = f"{out}.append({self._packed()}); " if self._run else ""
        self._source.add(f"if {fits}: {out}.append({self._packed('B', length)})")
        self._source.add(f"else: {run}{out}.append({long})")
        self._run = []
