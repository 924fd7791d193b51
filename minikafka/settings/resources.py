"""The configs of groups (resource type 32) and of client-metrics subscriptions (type 16).

A group's keys have their defaults and limits among the broker's: `consumer.session.timeout.ms` is
`group.consumer.session.timeout.ms` by default and must lie between `group.consumer.min.session.…`
and `group.consumer.max.session.…` (KIP-848, KIP-932, KIP-1071). Subscriptions are KIP-714's.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from minikafka.settings.accepted import read_table
from minikafka.settings.broker import BrokerSettings, find_setting
from minikafka.settings.declare import Setting, SettingError, SettingRequestError

_GROUP_TABLE: Final = """\
consumer.assignment.interval.ms: int = 1000, 0..
    The shortest time between two assignments of the group.
consumer.heartbeat.interval.ms: int = 5000, 1..
    How often a member is told to heartbeat.
consumer.session.timeout.ms: int = 45000, 1..
    A member that was not heard of for this long is removed.
share.assignment.interval.ms: int = 1000, 0..
    The shortest time between two assignments of the group.
share.auto.offset.reset: string = latest
    Where a share group begins: earliest, latest, or by_duration:PnDTnHnMn.nS before now.
share.delivery.count.limit: int = 5, 2..
    How often a record is offered before it is given up.
share.heartbeat.interval.ms: int = 5000, 1..
    How often a member is told to heartbeat.
share.isolation.level: string = read_uncommitted, read_committed/read_uncommitted
    Whether the group sees records of open and aborted transactions.
share.partition.max.record.locks: int = 2000, 100..
    Records of a partition that may be handed out at a time.
share.record.lock.duration.ms: int = 30000, 1000..
    How long a record is handed out before another member may have it.
share.renew.acknowledge.enable: boolean = true
    Whether a member may hold a record for longer by renewing.
share.session.timeout.ms: int = 45000, 1..
    A member that was not heard of for this long is removed.
streams.assignment.interval.ms: int = 1000, 0..
    The shortest time between two assignments of the group.
streams.heartbeat.interval.ms: int = 5000, 1..
    How often a member is told to heartbeat.
streams.initial.rebalance.delay.ms: int = 3000, 0..
    How long the first rebalance of an empty group waits for more members.
streams.num.standby.replicas: int = 0, 0..
    Standby copies of each task.
streams.session.timeout.ms: int = 45000, 1..
    A member that was not heard of for this long is removed.
"""

_METRICS_TABLE: Final = """\
interval.ms: int = 300000
    How often a matching client pushes its metrics.
match: list =
    Which clients: NAME=PATTERN pairs, all of which must match.
metrics: list =
    Prefixes of the names of the metrics that are pushed. *: all.
"""

_MATCHABLE: Final = frozenset(
    {
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    }
)
_LEAST_INTERVAL_MS, _MOST_INTERVAL_MS = 100, 3_600_000

_DURATION: Final = re.compile(
    r"by_duration:P(?=.)([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,9})?S)?)?"
)


def offset_reset_reason(word: str) -> str | None:
    """Why `word` is no place for a share group to begin, or None."""
    if word in ("earliest", "latest") or _DURATION.fullmatch(word):
        return None
    return "must be earliest, latest or by_duration:PnDTnHnMn.nS"


@cache
def group_settings() -> dict[str, Setting[Any]]:
    """Key → declaration of a group's configs; `synonyms` names the broker key of the default."""
    declared = {made.key: made for made in read_table(_GROUP_TABLE)}
    declared["share.auto.offset.reset"].check = offset_reset_reason
    for key, made in declared.items():
        made.synonyms = (f"group.{key}",) if find_setting(f"group.{key}") else (key,)
    return declared


@cache
def client_metrics_settings() -> dict[str, Setting[Any]]:
    """Key → declaration of a subscription's configs."""
    return {made.key: made for made in read_table(_METRICS_TABLE)}


def limits(key: str) -> tuple[str | None, str | None]:
    """The broker keys that bound a group's `key` from below and above, where there are any."""
    kind, _, rest = key.partition(".")
    bounds = (f"group.{kind}.{which}.{rest.removeprefix('num.')}" for which in ("min", "max"))
    low, high = (bound if find_setting(bound) else None for bound in bounds)
    return low, high


def group_value(key: str, overrides: Mapping[str, str], broker: BrokerSettings) -> Any:
    """The value in effect of a group's `key`."""
    declared = group_settings()[key]
    if key in overrides:
        return declared.parse(overrides[key])
    (default_key,) = declared.synonyms
    return declared.default if default_key == key else broker.value(default_key)


def validate_group_configs(configs: Mapping[str, str], broker: BrokerSettings) -> None:
    """SettingError when a group may not have `configs` under this broker's limits."""
    for key in configs:
        if key not in group_settings():
            raise SettingError(
                key, configs[key], "a known key", f"Unknown group config name: {key}"
            )
    for key, text in configs.items():
        value = group_settings()[key].parse(text)
        low, high = limits(key)
        if low is not None and value < broker.value(low):
            raise _out_of_limits(key, text, f"greater than or equal to {low}")
        if high is not None and value > broker.value(high):
            raise _out_of_limits(key, text, f"less than or equal to {high}")
    for kind in ("consumer", "share", "streams"):
        session, heartbeat = f"{kind}.session.timeout.ms", f"{kind}.heartbeat.interval.ms"
        if group_value(session, configs, broker) <= group_value(heartbeat, configs, broker):
            raise _out_of_limits(session, configs.get(session), f"greater than {heartbeat}")


def _out_of_limits(key: str, value: str | None, allowed: str) -> SettingError:
    return SettingError(key, value, allowed, f"{key} must be {allowed}")


def validate_client_metrics_configs(configs: Mapping[str, str]) -> None:
    """SettingError when a subscription may not have `configs`."""
    for key, text in configs.items():
        declared = client_metrics_settings().get(key)
        if declared is None:
            whole = f"Unknown client metrics configuration: {key}"
            raise SettingRequestError(key, text, "a known key", whole)
        value = declared.parse(text)
        if key == "interval.ms" and not _LEAST_INTERVAL_MS <= value <= _MOST_INTERVAL_MS:
            allowed = f"between {_LEAST_INTERVAL_MS} and {_MOST_INTERVAL_MS} (1 hour)"
            whole = f"Invalid value {value} for {key}, interval must be {allowed}"
            raise SettingRequestError(key, text, allowed, whole)
        if key == "match":
            for pattern in value:
                _require_pattern(pattern)


def _require_pattern(pattern: str) -> None:
    name, equals, expression = pattern.partition("=")
    try:
        re.compile(expression)
    except re.error:
        equals = ""
    if not equals or name.strip() not in _MATCHABLE:
        whole = f"Illegal client matching pattern: {pattern}"
        raise SettingError("match", pattern, "NAME=PATTERN", whole)
