"""DescribeConfigs as functions: every key of a resource with its value and where that came from.

Values are texts in Java's form; sensitive ones are None. `synonyms` is the whole chain of sources,
best first, including the one in effect; a topic's key goes on in the broker key that gives its
default. Entries are sorted by name (Kafka's own order is that of a Java hash table).
"""

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

from minikafka.settings.accepted import accepted_settings
from minikafka.settings.broker import BrokerSettings, find_setting, unprefixed
from minikafka.settings.declare import Setting
from minikafka.settings.kinds import UNKNOWN_TYPE
from minikafka.settings.resources import client_metrics_settings, group_settings, group_value
from minikafka.settings.topic import TopicSettings

_NOTHING: Final[Mapping[str, str]] = {}


class Source(IntEnum):
    """Where a value comes from: `config_source` of DescribeConfigs."""

    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_CLUSTER = 3
    STATIC_FILE = 4
    DEFAULT = 5
    DYNAMIC_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


#: (key, value, source)
Synonym = tuple[str, str | None, int]


class ConfigEntry(NamedTuple):
    """One key of a resource, in the fields of DescribeConfigsResponse."""

    name: str
    value: str | None
    read_only: bool
    source: int
    sensitive: bool
    synonyms: tuple[Synonym, ...]
    config_type: int
    documentation: str | None


class _BrokerSources:
    """The four places that a broker key's value may come from, best first."""

    __slots__ = ("maps",)

    def __init__(
        self,
        broker: BrokerSettings,
        broker_dynamic: Mapping[str, str],
        cluster_dynamic: Mapping[str, str],
    ) -> None:
        self.maps: tuple[tuple[Mapping[str, str], int], ...] = (
            (broker_dynamic, Source.DYNAMIC_BROKER),
            (cluster_dynamic, Source.DYNAMIC_CLUSTER),
            (broker.originals, Source.STATIC_FILE),
        )

    def chain(self, key: str) -> tuple[Synonym, ...]:
        """All sources of `key` and of its synonyms, from the first that names `key` itself on.

        So coarser units (`log.retention.hours`) show only behind the key, as with Kafka.
        """
        base = unprefixed(key)
        declared = find_setting(base)
        names: tuple[str, ...] = (key,) if base == key else (key, base)
        names += declared.synonyms if declared is not None else ()
        found: list[Synonym] = [
            (name, values[name], source)
            for values, source in self.maps
            for name in names
            if name in values
        ]
        for name in names:
            given = find_setting(name)
            if given is not None and given.default_text is not None and not given.internal:
                found.append((name, given.default_text, Source.DEFAULT))
        first = next((i for i, synonym in enumerate(found) if synonym[0] == key), len(found))
        return tuple(found[first:])


def describe_topic(
    overrides: Mapping[str, str],
    broker: BrokerSettings,
    broker_dynamic: Mapping[str, str] = _NOTHING,
    cluster_dynamic: Mapping[str, str] = _NOTHING,
    keys: Collection[str] | None = None,
) -> list[ConfigEntry]:
    """A topic's configs; `keys` None or empty: all."""
    resolved = TopicSettings.resolve(overrides, broker, broker_dynamic, cluster_dynamic)
    sources = _BrokerSources(broker, broker_dynamic, cluster_dynamic)
    entries = []
    for key, declared in _wanted(TopicSettings.declarations, keys):
        inherited = sources.chain(declared.synonyms[0]) if declared.synonyms else ()
        own = overrides.get(key)
        if own is not None:
            value = declared.normal(own)
        elif inherited and inherited[0][1] is not None:
            value = declared.normal(inherited[0][1])
        else:
            value = declared.text(getattr(resolved, declared.attribute))
        mine: tuple[Synonym, ...] = () if own is None else ((key, value, Source.TOPIC),)
        entries.append(_entry(declared, key, value, mine + inherited))
    return entries


def describe_broker(
    broker: BrokerSettings,
    broker_dynamic: Mapping[str, str] = _NOTHING,
    cluster_dynamic: Mapping[str, str] = _NOTHING,
    keys: Collection[str] | None = None,
) -> list[ConfigEntry]:
    """The broker's own configs; `keys` None or empty: all. Unknown keys that were set are shown
    without their value, for nobody can say whether it is a secret."""
    sources = _BrokerSources(broker, broker_dynamic, cluster_dynamic)
    given = {**broker.originals, **cluster_dynamic, **broker_dynamic}
    names = set(given)
    for declarations in (BrokerSettings.declarations, accepted_settings()):
        names.update(key for key, declared in declarations.items() if not declared.internal)
    return [_broker_entry(name, sources.chain(name)) for name in _chosen(names, keys)]


def describe_cluster_defaults(
    cluster_dynamic: Mapping[str, str], keys: Collection[str] | None = None
) -> list[ConfigEntry]:
    """The broker resource without a name: only what was altered for all brokers."""
    return [
        _broker_entry(name, ((name, cluster_dynamic[name], Source.DYNAMIC_CLUSTER),))
        for name in _chosen(cluster_dynamic, keys)
    ]


def describe_group(
    overrides: Mapping[str, str],
    broker: BrokerSettings,
    broker_dynamic: Mapping[str, str] = _NOTHING,
    cluster_dynamic: Mapping[str, str] = _NOTHING,
    keys: Collection[str] | None = None,
) -> list[ConfigEntry]:
    """A group's configs; a group that nobody configured has the defaults."""
    sources = _BrokerSources(broker, broker_dynamic, cluster_dynamic)
    entries = []
    for key, declared in _wanted(group_settings(), keys):
        (default_key,) = declared.synonyms
        inherited = sources.chain(default_key)
        if default_key == key:
            inherited = ((key, declared.default_text, Source.DEFAULT),)
        own = overrides.get(key)
        mine: tuple[Synonym, ...] = () if own is None else ((key, own, Source.GROUP),)
        value = declared.text(group_value(key, overrides, broker))
        entries.append(_entry(declared, key, value, mine + inherited))
    return entries


def describe_client_metrics(
    overrides: Mapping[str, str], keys: Collection[str] | None = None
) -> list[ConfigEntry]:
    """The configs of a client-metrics subscription."""
    entries = []
    for key, declared in _wanted(client_metrics_settings(), keys):
        own = overrides.get(key)
        value = declared.default_text if own is None else declared.normal(own)
        mine: tuple[Synonym, ...] = () if own is None else ((key, value, Source.CLIENT_METRICS),)
        entries.append(_entry(declared, key, value, mine))
    return entries


def _broker_entry(name: str, chain: tuple[Synonym, ...]) -> ConfigEntry:
    declared = find_setting(unprefixed(name))
    source = chain[0][2] if chain else Source.DEFAULT
    if declared is None or declared.sensitive:
        hidden = tuple((key, None, where) for key, _, where in chain)
        config_type = UNKNOWN_TYPE if declared is None else declared.kind.config_type
        doc = None if declared is None else declared.doc
        read_only = declared is None or declared.dynamic is None or name != declared.key
        return ConfigEntry(name, None, read_only, source, True, hidden, config_type, doc)
    text = chain[0][1] if chain else None
    value = None if text is None else declared.normal(text)
    read_only = declared.dynamic is None or name != declared.key
    config_type = declared.kind.config_type
    return ConfigEntry(name, value, read_only, source, False, chain, config_type, declared.doc)


def _entry(
    declared: Setting[Any], key: str, value: str | None, synonyms: tuple[Synonym, ...]
) -> ConfigEntry:
    source = synonyms[0][2] if synonyms else Source.DEFAULT
    config_type = declared.kind.config_type
    return ConfigEntry(key, value, False, source, False, synonyms, config_type, declared.doc)


def _wanted(
    declarations: Mapping[str, Setting[Any]], keys: Collection[str] | None
) -> list[tuple[str, Setting[Any]]]:
    return [(key, declarations[key]) for key in _chosen(declarations, keys)]


def _chosen(names: Iterable[str], keys: Collection[str] | None) -> list[str]:
    return sorted(name for name in names if not keys or name in keys)
