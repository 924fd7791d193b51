"""The words a schema module is written in: primitive types, version markers, `Struct` and
`Message`.

    class TopicData(Struct):
        name: Annotated[String, until(12)] = ""
        topic_id: Annotated[Uuid, since(13)] = ZERO_UUID
        partitions: list[PartitionData] = FRESH

    class SampleRequest(Message, api_key=1, versions=(4, 18), flexible=12):
        cluster_id: Annotated[String | None, tag(0, 12), ignorable] = None
        topics: list[TopicData] = FRESH

A class body lists the fields of all versions in wire order, each with its default: the value it
takes in a version that does not carry it. The annotations are text to Python and read by
`protocol.schema`; to a type checker the classes are keyword-only dataclasses. Instances are mutable
and have slots; nothing is compiled before the first instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, cast, dataclass_transform
from uuid import UUID

from minikafka.protocol.schema import FOREVER, FRESH, fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Region(Protocol):
        """Bytes that lie elsewhere, say in a file: the encoder writes their `size` as the length of
        the field and hands the object itself on as a part.
        """

        @property
        def size(self) -> int:
            """The number of bytes."""


__all__ = [
    "FRESH",
    "ZERO_UUID",
    "Bool",
    "Buffer",
    "Bytes",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Message",
    "Records",
    "String",
    "Struct",
    "Uint16",
    "Uint32",
    "Uuid",
    "ignorable",
    "named",
    "never_flexible",
    "never_null",
    "null_since",
    "since",
    "tag",
    "until",
]

Bool: TypeAlias = bool
Int8: TypeAlias = int
Int16: TypeAlias = int
Uint16: TypeAlias = int
Int32: TypeAlias = int
Uint32: TypeAlias = int
Int64: TypeAlias = int
Float64: TypeAlias = float
String: TypeAlias = str
Bytes: TypeAlias = bytes  # any Buffer can be encoded, decoding gives bytes
Uuid: TypeAlias = UUID
Buffer: TypeAlias = bytes | bytearray | memoryview
# Record batches, never looked into here. Decoding gives a memoryview of the input, without a copy.
Records: TypeAlias = "Buffer | Region"

ZERO_UUID: Final = UUID(int=0)


def since(version: int) -> None:
    """Marks the first version that has the field."""


def until(version: int) -> None:
    """Marks the last version that has the field."""


def tag(number: int, version: int) -> None:
    """Marks a field that travels as tagged field `number` from `version` on."""


def null_since(version: int) -> None:
    """Marks the first version in which a field `| None` may be null."""


def named(wire_name: str) -> None:
    """Gives the schema's name where it is not the camel case of ours."""


# Marks a field that is silently dropped in versions without it; others must then have their
# default.
ignorable: Final = "ignorable"
# Marks a tagged struct whose None means "absent, all defaults": it is never null on the wire.
never_null: Final = "never_null"
# Marks a field that keeps the classic encoding in flexible versions.
never_flexible: Final = "never_flexible"


class _StructType(type):
    """Turns the annotated defaults of a class body into slots, while the class is made and not a
    second time after.
    """

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> _StructType:
        defaults = {
            field: namespace.pop(field)
            for field, annotation in namespace.get("__annotations__", {}).items()
            if not annotation.startswith("ClassVar")
        }
        namespace["__slots__"] = tuple(defaults)
        namespace["_defaults"] = defaults
        return super().__new__(mcs, name, bases, namespace, **keywords)


@dataclass_transform(kw_only_default=True)
class Struct(metaclass=_StructType):
    """A mutable value with the fields of a schema: keyword constructor, equality by fields, a repr
    of what was set.
    """

    _defaults: ClassVar[dict[str, Any]]

    __hash__ = None  # type: ignore[assignment]  # mutable values are no keys

    def __init__(self, **values: Any) -> None:
        # The first instance compiles the constructor of its class; importing a schema stays free of
        # that.
        cls = type(self)
        cls.__init__ = _compile_init(cls)  # type: ignore[method-assign]
        self.__init__(**values)  # type: ignore[misc]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _slot_names(type(self)))

    def __repr__(self) -> str:
        shown = []
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            if value != field.new_default():
                text = f"<{value.nbytes} bytes>" if isinstance(value, memoryview) else repr(value)
                shown.append(f"{field.name}={text}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Message(Struct):
    """The outermost struct of a schema: a request, response, header or record.

    `api_key` is the request's key or the record's type (-1: neither), `versions` the first and last
    version that Kafka 4.3 reads, `flexible` the first with compact lengths and tagged fields.
    `unknown_tags` holds (tag, bytes) pairs that the decoder met at the top level and does not know;
    they are written back, so that passing a message on loses nothing. Unknown tags of nested
    structs are skipped.
    """

    api_key: ClassVar[int]
    versions: ClassVar[tuple[int, int]]
    flexible: ClassVar[int]

    unknown_tags: Sequence[tuple[int, bytes]] = ()

    def __init_subclass__(
        cls, *, api_key: int = -1, versions: tuple[int, int], flexible: int = FOREVER
    ) -> None:
        cls.api_key, cls.versions, cls.flexible = api_key, versions, flexible


def _slot_names(cls: type[Struct]) -> tuple[str, ...]:
    own = tuple(cls._defaults)
    return ("unknown_tags", *own) if issubclass(cls, Message) else own


def _compile_init(cls: type[Struct]) -> Any:
    """Writes `def __init__(self, *, a=…, b=…)` with the fields' defaults and compiles it."""
    values: dict[str, Any] = {"FRESH": FRESH}
    fields = {field.name: field for field in fields_of(cls)}
    parameters, lines = [], []
    for name in _slot_names(cls):
        default = () if name == "unknown_tags" else cls._defaults[name]
        if default is FRESH:
            new = "[]" if fields[name].is_array else f"new_{name}()"
            values[f"new_{name}"] = fields[name].struct
            lines.append(f" self.{name} = {new} if {name} is FRESH else {name}")
            parameters.append(f"{name}=FRESH")
        else:
            values[f"default_{name}"] = default
            lines.append(f" self.{name} = {name}")
            parameters.append(f"{name}=default_{name}")
    star = "*, " if parameters else ""
    source = f"def __init__(self, {star}{', '.join(parameters)}):\n" + "\n".join(lines or [" pass"])
    exec(compile(source, f"<init {cls.__name__}>", "exec"), values)
    return cast("Any", values["__init__"])
