"""`BrokerSettings`: every setting that a node reads, typed, checked one by one and together."""

from collections.abc import Mapping
from typing import Any

from minikafka.settings.accepted import accepted_settings
from minikafka.settings.consistency import alone, fill, require_consistent, with_both_ids
from minikafka.settings.declare import Setting
from minikafka.settings.groups import GroupSettings
from minikafka.settings.listeners import Listener, ListenerSettings
from minikafka.settings.log import LogSettings
from minikafka.settings.quorum import QuorumSettings, Voter
from minikafka.settings.replication import ReplicationSettings
from minikafka.settings.server import ServerSettings
from minikafka.settings.transactions import TransactionSettings

__all__ = ["BrokerSettings", "Listener", "Voter", "find_setting", "unknown_keys"]


class BrokerSettings(
    ServerSettings,
    ListenerSettings,
    QuorumSettings,
    LogSettings,
    ReplicationSettings,
    GroupSettings,
    TransactionSettings,
):
    """The settings of one node: one attribute per key that minikafka reads, dots as underscores.

    Unset keys that are filled from others hold the result: `log_dirs` (from `log.dir`),
    `log_retention_ms` (from minutes or hours; -1 is for ever), `log_roll_ms`,
    `log_roll_jitter_ms`, `log_flush_interval_ms`, `inter_broker_listener_name`.
    `advertised_listeners` is empty when nothing is advertised; every `Listener` has its security
    protocol. Keys that are only accepted are in `originals` alone.
    """

    #: what was given, key → text, with what `alone` added; secrets included
    originals: dict[str, str]

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> "BrokerSettings":
        """The settings that `values` (key → text) describe; unknown keys are passed over.

        Without `process.roles` they describe a node that stands alone: `parse({})` is a broker
        and controller with id 1 on port 9092.

        SettingError: a value that its key does not take, a required key that is missing, or keys
        that contradict each other.
        """
        given = with_both_ids(dict(values))
        if "process.roles" not in given:
            given = with_both_ids(alone(given))
        settings = cls()
        settings.originals = given
        held: dict[str, Any] = {s.attribute: s.default for s in cls.declarations.values()}
        for key, text in given.items():
            declared = find_setting(key)
            if declared is None:
                continue
            value = declared.parse(text)
            if key in cls.declarations:
                held[declared.attribute] = value
        settings._assign(held)
        fill(settings)
        require_consistent(settings)
        return settings

    def with_dynamic(
        self, cluster_dynamic: Mapping[str, str], broker_dynamic: Mapping[str, str]
    ) -> "BrokerSettings":
        """The settings in effect under configs altered at run time (KIP-226)."""
        return BrokerSettings.parse({**self.originals, **cluster_dynamic, **broker_dynamic})

    def value(self, key: str) -> Any:
        """The value of any known broker key, also of one that is only accepted."""
        declared = find_setting(key)
        assert declared is not None, f"{key} is not a broker key"
        if key in type(self).declarations:
            return getattr(self, declared.attribute)
        text = self.originals.get(key)
        return declared.default if text is None else declared.parse(text)

    @property
    def is_broker(self) -> bool:
        return "broker" in self.process_roles

    @property
    def is_controller(self) -> bool:
        return "controller" in self.process_roles

    def broker_listeners(self) -> tuple[Listener, ...]:
        """The listeners for clients and other brokers."""
        names = self.controller_listener_names
        return tuple(listener for listener in self.listeners if listener.name not in names)

    def controller_listeners(self) -> tuple[Listener, ...]:
        """The listeners for controllers, in the order of `controller.listener.names`."""
        by_name = {listener.name: listener for listener in self.listeners}
        return tuple(by_name[name] for name in self.controller_listener_names if name in by_name)

    def advertised(self, listener_name: str) -> Listener | None:
        """What others are told to connect to for `listener_name`; None: it is not advertised.

        Host "" stands for the address by which the asking client came, port 0 for the port that
        the socket was bound to.
        """
        told = self.advertised_listeners or self.broker_listeners()
        for listener in told:
            if listener.name == listener_name:
                return listener._replace(host="") if listener.host in _ANY_HOST else listener
        return None


_ANY_HOST = frozenset({"", "0.0.0.0", "::"})  # compared, not bound


def find_setting(key: str) -> Setting[Any] | None:
    """The declaration of a broker key, also of one that is only accepted; None: unknown.

    `listener.name.NAME.KEY` and `listener.name.NAME.MECHANISM.KEY` are KEY for one listener.
    """
    declared = BrokerSettings.declarations.get(key)
    if declared is None:
        declared = accepted_settings().get(key)
    return declared


def unprefixed(key: str) -> str:
    """`listener.name.NAME.KEY` and `listener.name.NAME.MECHANISM.KEY` → KEY."""
    if not key.startswith("listener.name."):
        return key
    rest = key.removeprefix("listener.name.").partition(".")[2]
    return rest if find_setting(rest) is not None else rest.partition(".")[2]


def unknown_keys(values: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """The keys that neither Kafka nor minikafka has, each with the known key it may have meant."""
    unknown = [key for key in values if find_setting(key) is None and not _belongs_to_plugin(key)]
    if not unknown:
        return []
    import difflib  # costs 3 ms, and only a typing error needs it

    known = [*BrokerSettings.declarations, *accepted_settings()]
    found = []
    for key in unknown:
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
        found.append((key, close[0] if close else None))
    return found


def _belongs_to_plugin(key: str) -> bool:
    if key.startswith(("rsm.config.", "rlmm.config.")):
        return True
    return key.startswith("listener.name.") and find_setting(unprefixed(key)) is not None
