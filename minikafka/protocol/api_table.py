"""The tables in docs/protocol.md, made from the tables and schemas that the code works with."""

from __future__ import annotations

from minikafka.protocol.apis import (
    ADVERTISED_BROKER,
    ADVERTISED_CONTROLLER,
    CLUSTER_ACTIONS,
    FORWARDED,
    NEVER,
    UNSTABLE_VERSIONS,
    ApiKey,
    Versions,
    first_flexible,
    valid_versions,
)
from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.types import Message

_API_HEAD = """\
| key | api | versions | flexible | broker | controller | |
|---|---|---|---|---|---|---|
"""
_RECORD_HEAD = """\
| schema | type | versions | flexible | module in `minikafka.protocol` |
|---|---|---|---|---|
"""


def api_table() -> str:
    """Every api with its versions, as Markdown."""
    return _API_HEAD + "".join(_api_row(key) for key in ApiKey)


def record_table() -> str:
    """Every schema that is no request and no response, as Markdown."""
    others = [
        cls
        for name, cls in message_classes().items()
        if not name.endswith(("Request", "Response")) or name in ("RequestHeader", "ResponseHeader")
    ]
    others.sort(key=lambda cls: (_package(cls), cls.api_key, cls.__name__))
    return _RECORD_HEAD + "".join(_record_row(cls) for cls in others)


def _api_row(key: ApiKey) -> str:
    flexible = first_flexible(key)
    notes = []
    if key in FORWARDED:
        notes.append("forwarded")
    if key in CLUSTER_ACTIONS:
        notes.append("cluster")
    if key in UNSTABLE_VERSIONS:
        notes.append(f"v{UNSTABLE_VERSIONS[key]} unstable")
    cells = (
        key.value,
        key.name.title().replace("_", ""),
        _range(valid_versions(key)),
        "–" if flexible == NEVER else f"{flexible}+",
        _range(ADVERTISED_BROKER.get(key)),
        _range(ADVERTISED_CONTROLLER.get(key)),
        ", ".join(notes),
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _record_row(cls: type[Message]) -> str:
    record_type = cls.api_key if cls.api_key >= 0 else "–"
    flexible = "–" if cls.flexible == NEVER else f"{cls.flexible}+"
    module = cls.__module__.removeprefix("minikafka.protocol.")
    return f"| {cls.__name__} | {record_type} | {_range(cls.versions)} | {flexible} | {module} |\n"


def _package(cls: type[Message]) -> str:
    return cls.__module__.rpartition(".")[0]


def _range(versions: Versions | None) -> str:
    if versions is None:
        return "–"
    first, last = versions
    return str(first) if first == last else f"{first}–{last}"
