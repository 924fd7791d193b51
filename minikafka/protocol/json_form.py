"""Messages as plain JSON values: to compare with Kafka's, to print, to write tests with.

Field names are the schema's in lower camel case; bytes and records are standard base64, a UUID is
Kafka's 22 characters of URL-safe base64. Fields that the version does not have are left out, and so
are tagged fields with their default value.
"""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar
from uuid import UUID

from minikafka.protocol.schema import Field, fields_of
from minikafka.protocol.types import Struct

S = TypeVar("S", bound=Struct)


def to_json(message: Struct, version: int) -> dict[str, Any]:
    """The JSON form of a message, or of one of its structs, in a version."""
    out: dict[str, Any] = {}
    for field in fields_of(type(message)):
        if not field.in_version(version):
            continue
        value = getattr(message, field.name)
        if field.tagged_in(version) and _is_default(field, value):
            continue
        if field.is_array and value is not None:
            out[field.wire_name] = [_value_to_json(field, element, version) for element in value]
        else:
            out[field.wire_name] = _value_to_json(field, value, version)
    return out


def from_json(cls: type[S], version: int, data: dict[str, Any]) -> S:
    """Builds a message from its JSON form; fields that are left out get their defaults."""
    message = cls()
    for field in fields_of(cls):
        if not field.in_version(version) or field.wire_name not in data:
            continue
        value = data[field.wire_name]
        if field.is_array and value is not None:
            value = [_value_from_json(field, element, version) for element in value]
        else:
            value = _value_from_json(field, value, version)
        setattr(message, field.name, value)
    return message


def uuid_text(uuid: UUID) -> str:
    """Kafka's text form of a UUID: 22 characters."""
    return urlsafe_b64encode(uuid.bytes).decode().rstrip("=")


def uuid_of(text: str) -> UUID:
    """The UUID of Kafka's text form; ValueError if it is none."""
    return UUID(bytes=urlsafe_b64decode(text + "=="))


def _is_default(field: Field, value: Any) -> bool:
    if field.never_null and value is not None:
        return bool(value == field.struct())
    return bool(value == field.new_default())


def _value_to_json(field: Field, value: Any, version: int) -> Any:
    if value is None:
        return None
    if field.struct is not None:
        return to_json(value, version)
    if field.type_name == "Uuid":
        return uuid_text(value)
    if field.type_name in ("Bytes", "Records"):
        return b64encode(value).decode()
    return value


def _value_from_json(field: Field, value: Any, version: int) -> Any:
    if value is None:
        return None
    if field.struct is not None:
        return from_json(field.struct, version, value)
    if field.type_name == "Uuid":
        return uuid_of(value)
    if field.type_name in ("Bytes", "Records"):
        return b64decode(value)
    return float(value) if field.type_name == "Float64" else value
