"""`minikafka configs`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, Final

from minikafka.cli.administration import Action, key_values, run_admin
from minikafka.cli.arguments.configs import KINDS
from minikafka.cli.exits import OK, UsageError
from minikafka.cli.output import print_json, print_table
from minikafka_client import Admin, ConfigEntry, ConfigOperation, ConfigSource, ResourceType

_DEFAULTS: Final = (ConfigSource.DEFAULT_CONFIG, ConfigSource.STATIC_BROKER_CONFIG)
_SECRET: Final = "(secret)"  # what is shown, not a secret


def run(options: Namespace) -> int:
    """Run the action."""
    return run_admin(options, _ACTIONS)


async def _list(admin: Admin, options: Namespace) -> int:
    for kind in options.kinds:
        if kind not in KINDS:
            raise UsageError(f"{kind}: one of {', '.join(KINDS)}")
    found = await admin.list_config_resources(*(_kind(kind) for kind in options.kinds))
    rows = [(kind.name.lower().replace("_", "-"), name) for kind, name in found]
    if options.json:
        print_json([{"kind": kind, "name": name} for kind, name in rows])
    else:
        print_table(("kind", "name"), [(kind, name or None) for kind, name in rows])
    return OK


async def _describe(admin: Admin, options: Namespace) -> int:
    name = _name(options)
    found = await admin.describe_configs(_kind(options.kind), name, keys=options.keys)
    entries = [
        entry
        for entry in found.values()
        if options.all or options.keys or entry.source not in _DEFAULTS
    ]
    entries.sort(key=lambda entry: entry.name)
    if options.json:
        shown = [_as_json(entry, with_docs=options.docs) for entry in entries]
        print_json({"kind": options.kind, "name": name, "configs": shown})
        return OK
    print_table(
        ("config", "value", "source", "read-only"),
        [
            (
                entry.name,
                _SECRET if entry.is_sensitive else entry.value,
                entry.source.name.lower(),
                entry.read_only,
            )
            for entry in entries
        ],
    )
    return OK


def _as_json(entry: ConfigEntry, *, with_docs: bool) -> dict[str, Any]:
    shown = {
        "name": entry.name,
        "value": entry.value,
        "source": entry.source.name,
        "readOnly": entry.read_only,
        "sensitive": entry.is_sensitive,
        "synonyms": [
            {"name": name, "value": value, "source": source.name}
            for name, value, source in entry.synonyms
        ],
    }
    return shown | ({"documentation": entry.documentation} if with_docs else {})


async def _alter(admin: Admin, options: Namespace) -> int:
    changes: dict[str, tuple[ConfigOperation, str] | None] = {}
    for words, operation in (
        (options.set, ConfigOperation.SET),
        (options.append, ConfigOperation.APPEND),
        (options.subtract, ConfigOperation.SUBTRACT),
    ):
        for key, value in key_values(words, f"--{operation.name.lower()}").items():
            changes[key] = (operation, value)
    changes |= dict.fromkeys(options.delete)
    if not changes:
        raise UsageError("nothing to change: --set, --delete, --append or --subtract")
    name = _name(options)
    await admin.alter_configs(
        _kind(options.kind), name, changes, validate_only=options.validate_only
    )
    if options.json:
        print_json({"kind": options.kind, "name": name, "changed": sorted(changes)})
    return OK


def _kind(word: str) -> ResourceType:
    return ResourceType[word.upper().replace("-", "_")]


def _name(options: Namespace) -> str:
    name = str(options.name)
    if not name and options.kind != "broker":
        raise UsageError(f"which {options.kind}?")
    if options.kind.startswith("broker") and name and not name.isdecimal():
        raise UsageError(f"brokers have numbers, not {name!r}")
    return name


_ACTIONS: Final[dict[str, Action]] = {"list": _list, "describe": _describe, "alter": _alter}
