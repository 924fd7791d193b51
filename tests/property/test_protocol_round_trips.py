"""Whatever a message holds, its bytes decode to the same message: every class in every version."""

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.json_form import from_json, to_json
from minikafka.protocol.schema import Field, fields_of
from minikafka.protocol.types import Message, Struct

EVERYTHING = [
    (cls, version)
    for cls in message_classes().values()
    for version in range(cls.versions[0], cls.versions[1] + 1)
]
INTEGERS = {
    "Int8": (-(1 << 7), (1 << 7) - 1),
    "Int16": (-(1 << 15), (1 << 15) - 1),
    "Uint16": (0, (1 << 16) - 1),
    "Int32": (-(1 << 31), (1 << 31) - 1),
    "Uint32": (0, (1 << 32) - 1),
    "Int64": (-(1 << 63), (1 << 63) - 1),
}


# A value for every primitive, by hypothesis …


def primitive(name: str) -> st.SearchStrategy[Any]:
    if name in INTEGERS:
        return st.integers(*INTEGERS[name])
    return {
        "Bool": st.booleans(),
        "Float64": st.floats(allow_nan=False),
        "String": st.text(max_size=40) | st.just("x" * 127) | st.just("ü" * 8192),
        "Bytes": st.binary(max_size=40) | st.just(b"x" * 127) | st.just(b"y" * 20000),
        "Records": st.binary(max_size=40) | st.just(b"x" * 127) | st.just(b"y" * 20000),
        "Uuid": st.uuids(),
    }[name]


def value_of(field: Field, version: int) -> st.SearchStrategy[Any]:
    one = struct(field.struct, version) if field.struct else primitive(field.type_name)
    whole = st.lists(one, max_size=3) if field.is_array else one
    if field.is_array and field.struct is None and field.type_name in INTEGERS:
        whole |= st.lists(one, min_size=126, max_size=130)
    return st.none() | whole if field.nullable_in(version) else whole


def struct(cls: type[Struct], version: int) -> st.SearchStrategy[Any]:
    fields = {f.name: value_of(f, version) for f in fields_of(cls) if f.in_version(version)}
    return st.builds(cls, **fields)


# … and by a plain random source, which is fast enough to fill every class in every version


def random_primitive(name: str, source: random.Random) -> Any:
    if name in INTEGERS:
        low, high = INTEGERS[name]
        return source.choice((low, high, 0, max(low, -1), 1, source.randint(low, high)))
    if name in ("Bytes", "Records"):
        return source.randbytes(source.choice((0, 1, 30, 126, 127, 300, 17000)))
    if name == "String":
        return source.choice(("", "a", "ключ", "x" * 126, "y" * 127, "\U0001f600", "z" * 32767))
    simple: dict[str, Callable[[], Any]] = {
        "Bool": lambda: source.random() < 0.5,
        "Float64": lambda: source.choice((0.0, -1.5, float("inf"), 1e300)),
        "Uuid": lambda: uuid.UUID(int=source.getrandbits(128)),
    }
    return simple[name]()


def random_value(field: Field, version: int, source: random.Random) -> Any:
    if field.nullable_in(version) and source.random() < 0.2:
        return None

    def one() -> Any:
        if field.struct:
            return random_struct(field.struct, version, source)
        return random_primitive(field.type_name, source)

    if not field.is_array:
        return one()
    sizes = (0, 1, 2) if field.struct or field.type_name == "String" else (0, 1, 127, 300)
    return [one() for _ in range(source.choice(sizes))]


def random_struct(cls: type[Struct], version: int, source: random.Random) -> Struct:
    built = cls()
    for field in fields_of(cls):
        if field.in_version(version) and source.random() < 0.9:
            setattr(built, field.name, random_value(field, version, source))
    return built


def survives(message: Message, version: int) -> None:
    cls = type(message)
    data = encode(message, version)
    for buffer in (data, memoryview(data)):
        decoded, end = decode(cls, version, buffer)
        assert end == len(data)
        assert to_json(decoded, version) == to_json(message, version)
        assert encode(decoded, version) == data
    rebuilt = from_json(cls, version, to_json(message, version))
    assert encode(rebuilt, version) == data


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32))
def test_every_class_in_every_version(seed: int) -> None:
    for cls, version in EVERYTHING:
        source = random.Random(f"{seed} {cls.__name__} {version}")
        message = random_struct(cls, version, source)
        assert isinstance(message, Message)
        survives(message, version)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_drawn_messages(data: st.DataObject) -> None:
    cls, version = data.draw(st.sampled_from(EVERYTHING))
    survives(data.draw(struct(cls, version)), version)


@pytest.mark.parametrize(("cls", "version"), EVERYTHING[::40], ids=str)
def test_defaults_survive(cls: type[Message], version: int) -> None:
    survives(cls(), version)
