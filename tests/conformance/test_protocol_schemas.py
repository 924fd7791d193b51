"""Our schemas, field by field, against the JSON schemas that Kafka 4.3 ships."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from minikafka.protocol.apis import (
    NEVER,
    UNSTABLE_VERSIONS,
    ApiKey,
    first_flexible,
    request_class,
    response_class,
    valid_versions,
)
from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.schema import FOREVER, FRESH, fields_of
from minikafka.protocol.types import ZERO_UUID

SCHEMAS = Path(__file__).parents[3] / "shared" / "protocol" / "schemas"
pytestmark = pytest.mark.skipif(not SCHEMAS.exists(), reason=f"{SCHEMAS} is not here")

Range = tuple[int, int]
NOWHERE = (1, 0)


def read_schemas() -> list[dict[str, Any]]:
    out = []
    for file in sorted(SCHEMAS.glob("*/*.json")):
        lines = file.read_text().splitlines()
        text = "\n".join(line for line in lines if not line.strip().startswith("//"))
        schema = json.loads(text)
        if schema["validVersions"] != "none":
            out.append(schema)
    return out


def version_range(text: str | None) -> Range:
    if text is None or text == "none":
        return NOWHERE
    if text.endswith("+"):
        return int(text[:-1]), FOREVER
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def common(a: Range, b: Range) -> Range:
    both = max(a[0], b[0]), min(a[1], b[1])
    return both if both[0] <= both[1] else NOWHERE


def default_of(field: dict[str, Any], nullable: bool) -> Any:
    """A schema's default in one form: JSON null counts as none given, the text "null" as null.

    Records have none; ours is null where that can be written, else empty.
    """
    given, kind = field.get("default"), field["type"]
    if given == "null" or (kind == "records" and nullable):
        return None
    if kind.startswith("[]") or kind[0].isupper():
        assert given is None
        return "fresh"
    if kind == "string":
        return given or ""
    if kind in ("bytes", "records"):
        return b""
    if kind == "uuid":
        return ZERO_UUID
    if kind == "bool":
        return str(given).lower() == "true"
    return float(given or 0) if kind == "float64" else int(str(given or 0), 0)


def theirs(fields: list[dict[str, Any]], commons: dict[str, Any], within: Range) -> list[Any]:
    out = []
    for field in fields:
        where = common(version_range(field.get("versions", field.get("taggedVersions"))), within)
        if where == NOWHERE:
            continue
        kind = field["type"]
        element = kind.removeprefix("[]")
        nested = field.get("fields", commons.get(element))
        tagged = common(version_range(field.get("taggedVersions")), where)
        nullable = common(version_range(field.get("nullableVersions")), where)
        out.append(
            (
                field["name"][0].lower() + field["name"][1:],
                "struct" if nested else element,
                kind.startswith("[]"),
                where,
                nullable,
                tagged,
                field["tag"] if tagged != NOWHERE else -1,
                bool(field.get("ignorable")),
                field.get("flexibleVersions") == "none",
                default_of(field, nullable != NOWHERE),
                theirs(nested, commons, where) if nested else [],
            )
        )
    return out


def ours(struct: type, within: Range) -> list[Any]:
    out = []
    for field in fields_of(struct):
        where = common((field.since, field.until), within)
        if where == NOWHERE:
            continue
        nullable = field.nullable and not field.never_null
        tagged = common((field.tag_since, FOREVER), where) if field.tag >= 0 else NOWHERE
        is_fresh = field.default is FRESH or field.never_null
        out.append(
            (
                field.wire_name,
                "struct" if field.struct else field.type_name.lower(),
                field.is_array,
                where,
                common((field.null_since, FOREVER), where) if nullable else NOWHERE,
                tagged,
                field.tag if tagged != NOWHERE else -1,
                field.ignorable,
                field.never_flexible,
                "fresh" if is_fresh else field.default,
                ours(field.struct, where) if field.struct else [],
            )
        )
    return out


@pytest.mark.parametrize(
    "schema", read_schemas() if SCHEMAS.exists() else [], ids=lambda s: s["name"]
)
def test_schema(schema: dict[str, Any]) -> None:
    cls = message_classes()[schema["name"]]
    valid = version_range(schema["validVersions"])
    flexible = version_range(schema["flexibleVersions"])
    assert cls.versions == valid
    assert cls.flexible == (NEVER if flexible == NOWHERE else flexible[0])
    assert cls.api_key == schema.get("apiKey", -1)
    commons = {part["name"]: part["fields"] for part in schema.get("commonStructs", ())}
    assert ours(cls, valid) == theirs(schema["fields"], commons, valid)


def test_every_schema_has_a_class_and_no_class_lacks_a_schema() -> None:
    assert {schema["name"] for schema in read_schemas()} == set(message_classes())


def test_the_api_table_is_the_schemas() -> None:
    requests = {s["apiKey"]: s for s in read_schemas() if s["type"] == "request"}
    assert set(requests) == set(ApiKey)
    for key in ApiKey:
        schema = requests[key]
        name = re.sub("Request$", "", schema["name"])
        assert request_class(key).__name__ == f"{name}Request"
        assert response_class(key).__name__ == f"{name}Response"
        assert valid_versions(key) == request_class(key).versions == response_class(key).versions
        assert first_flexible(key) == request_class(key).flexible == response_class(key).flexible


def test_unstable_versions() -> None:
    unstable = {
        ApiKey(schema["apiKey"]): version_range(schema["validVersions"])[1]
        for schema in read_schemas()
        if schema["type"] == "request" and schema.get("latestVersionUnstable")
    }
    assert unstable == UNSTABLE_VERSIONS
