"""The keys of Kafka that minikafka takes without acting upon them, as a table in text.

A `server.properties` may set them, they are validated and described like all others, and nothing
reads them. They cost nothing at start: the table is read when such a key is given or described.

Each entry is a line `key: type = default[, allowed][, dynamic]`, its documentation indented below.
`allowed` is `1..`, `0..86400`, `one/of/these` or `~OF/ANY/CASE`; a default of `null` is unset, no
default is "". A backslash at the end of a line continues it.
"""

from functools import cache
from typing import Any, Final

from minikafka.settings import accepted_coordinators, accepted_operation, accepted_security
from minikafka.settings.declare import Dynamic, Setting, one_of_any_case, setting
from minikafka.settings.kinds import (
    BOOLEAN,
    CLASS,
    DOUBLE,
    INT,
    LIST,
    LONG,
    PASSWORD,
    SHORT,
    STRING,
)

_KINDS: Final = {
    kind.name: kind for kind in (BOOLEAN, STRING, INT, SHORT, LONG, DOUBLE, LIST, CLASS, PASSWORD)
}
_DYNAMIC: Final[dict[str, Dynamic]] = {"per-broker": "per-broker", "cluster-wide": "cluster-wide"}

#: keys that older Kafkas had and 4.x has no more
REMOVED: Final = frozenset(
    {
        "broker.id.generation.enable",
        "control.plane.listener.name",
        "delegation.token.master.key",
        "inter.broker.protocol.version",
        "log.message.downconversion.enable",
        "log.message.format.version",
        "log.message.timestamp.difference.max.ms",
        "log.cleaner.io.max.bytes",
        "offsets.commit.required.acks",
        "password.encoder.secret",
        "reserved.broker.max.id",
    }
)


@cache
def accepted_settings() -> dict[str, Setting[Any]]:
    """Key → declaration of every key that is only accepted."""
    tables = (accepted_security.TABLE, accepted_coordinators.TABLE, accepted_operation.TABLE)
    found = (made for table in tables for made in read_table(table))
    return {made.key: made for made in found}


def read_table(table: str) -> list[Setting[Any]]:
    """The declarations that a table holds."""
    made: list[Setting[Any]] = []
    for line in table.splitlines():
        if line.startswith(" "):
            last = made[-1]
            last.doc = f"{last.doc} {line.strip()}".lstrip()
        elif line:
            made.append(_read_entry(line))
    return made


def _read_entry(line: str) -> Setting[Any]:
    key, _, rest = line.partition(": ")
    kind_name, _, rest = rest.partition(" =")
    default, *rules = rest.strip().split(", ") if rest.strip() else [""]
    kind = _KINDS[kind_name]
    options: dict[str, Any] = {}
    for rule in rules:
        if rule in _DYNAMIC:
            options["dynamic"] = _DYNAMIC[rule]
        elif rule == "internal":
            options["internal"] = True
        elif ".." in rule:
            low, _, high = rule.partition("..")
            options["at_least"] = int(low)
            options["at_most"] = int(high) if high else None
        elif rule.startswith("~"):
            options["check"] = one_of_any_case(*rule[1:].split("/"))
        else:
            options["one_of"] = tuple(rule.split("/"))
    value: Any = None if default == "null" else kind.parse(default)
    sensitive = kind is PASSWORD
    return setting(key, value, kind=kind, doc="", acted_upon=False, sensitive=sensitive, **options)


def is_removed(key: str) -> bool:
    """Whether `key` belonged to a Kafka before 4.0, where it is gone with ZooKeeper or since."""
    return key.startswith("zookeeper.") or key in REMOVED
