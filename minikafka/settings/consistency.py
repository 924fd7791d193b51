"""What settings say together: values filled from one another, and combinations that are refused.

The rules are those of Kafka's own start. A set of values that says nothing of `process.roles`
describes a node that stands alone (`alone`); one that does is held to all of Kafka's rules.
"""

from typing import TYPE_CHECKING, Any

from minikafka.settings.declare import SettingError
from minikafka.settings.listeners import (
    DEFAULT_PROTOCOL_MAP,
    Listener,
    listeners_text,
    parse_protocol_map,
)

if TYPE_CHECKING:
    from minikafka.settings.broker import BrokerSettings

_MINUTE_MS = 60 * 1000
_HOUR_MS = 60 * _MINUTE_MS
_MEBIBYTE = 1024 * 1024


def alone(values: dict[str, str]) -> dict[str, str]:
    """`values` completed to a node that is a broker, a controller and its quorum's only voter.

    Its node id is 1 and clients find it at port 9092 of all interfaces, unless the values say
    otherwise; the controller listens on a free port of the loopback interface.
    """
    names = values.get("controller.listener.names", "CONTROLLER")
    controller = names.split(",")[0].strip().upper()
    listeners = values.get("listeners", "PLAINTEXT://:9092")
    protocols = values.get("listener.security.protocol.map", DEFAULT_PROTOCOL_MAP)
    if controller not in {
        word.partition("://")[0].strip().upper() for word in listeners.split(",")
    }:
        listeners = f"{listeners},{controller}://127.0.0.1:0"
    if controller not in {word.partition(":")[0].strip().upper() for word in protocols.split(",")}:
        protocols = f"{protocols},{controller}:PLAINTEXT"
    node_id = values.get("node.id", values.get("broker.id", "1")).strip()
    return {
        "node.id": node_id,
        "controller.quorum.voters": f"{node_id}@localhost:0",
        **values,
        "process.roles": "broker,controller",
        "controller.listener.names": names,
        "listeners": listeners,
        "listener.security.protocol.map": protocols,
    }


def with_both_ids(values: dict[str, str]) -> dict[str, str]:
    """`node.id` and `broker.id` are one number under two names; either gives the other."""
    node_id, broker_id = values.get("node.id"), values.get("broker.id")
    if node_id is None and broker_id is not None:
        return {**values, "node.id": broker_id}
    if broker_id is None and node_id is not None:
        return {**values, "broker.id": node_id}
    if broker_id is not None and broker_id.strip() != (node_id or "").strip():
        raise _refuse("broker.id", broker_id, f"must be the same as node.id, which is {node_id}")
    return values


def fill(settings: "BrokerSettings") -> None:
    """Gives every `filled` setting its value."""
    held = settings.__dict__
    given = settings.originals
    for key in ("process.roles", "node.id", "controller.listener.names"):
        if key not in given:
            text = f'Missing required configuration "{key}" which has no default value.'
            raise SettingError(key, None, "a value", text)
    names = held["controller_listener_names"]
    held["controller_listener_names"] = tuple(name.upper() for name in names)
    if held["log_dirs"] is None:
        held["log_dirs"] = settings.log_dir
    _fill_times(settings, held)
    _fill_listeners(settings, held)


def _fill_times(settings: "BrokerSettings", held: dict[str, Any]) -> None:
    retention_ms = held["log_retention_ms"]
    if retention_ms is None:
        minutes = settings.log_retention_minutes
        hours = settings.log_retention_hours
        retention_ms = hours * _HOUR_MS if minutes is None else minutes * _MINUTE_MS
    held["log_retention_ms"] = max(retention_ms, -1)
    if held["log_roll_ms"] is None:
        held["log_roll_ms"] = settings.log_roll_hours * _HOUR_MS
    if held["log_roll_jitter_ms"] is None:
        held["log_roll_jitter_ms"] = settings.log_roll_jitter_hours * _HOUR_MS
    if held["log_flush_interval_ms"] is None:
        held["log_flush_interval_ms"] = settings.log_flush_scheduler_interval_ms


def _fill_listeners(settings: "BrokerSettings", held: dict[str, Any]) -> None:
    protocols = _protocols(settings)
    held["listeners"] = _with_protocols("listeners", settings.listeners, protocols)
    held["advertised_listeners"] = _with_protocols(
        "advertised.listeners", held["advertised_listeners"] or (), protocols
    )
    name = held["inter_broker_listener_name"]
    if name is None:
        held["inter_broker_listener_name"] = settings.security_inter_broker_protocol
        return
    if "security.inter.broker.protocol" in settings.originals:
        text = "may not be set together with security.inter.broker.protocol"
        raise _refuse("inter.broker.listener.name", name, text)
    held["inter_broker_listener_name"] = name.upper()
    if name.upper() not in protocols:
        raise _refuse(
            "inter.broker.listener.name", name, "is not found in listener.security.protocol.map"
        )


def _protocols(settings: "BrokerSettings") -> dict[str, str]:
    """Listener name → security protocol.

    Controller listeners that nobody mapped are plaintext, but only while the map is the default
    and no listener is called by another protocol: nobody shall talk in clear by mistake.
    """
    protocols = parse_protocol_map(settings.listener_security_protocol_map)
    names = {*settings.controller_listener_names, *(each.name for each in settings.listeners)}
    is_mapped = "listener.security.protocol.map" in settings.originals
    if not is_mapped and not names & {"SSL", "SASL_SSL", "SASL_PLAINTEXT"}:
        for name in settings.controller_listener_names:
            protocols.setdefault(name, "PLAINTEXT")
    return protocols


def _with_protocols(
    key: str, listeners: tuple[Listener, ...], protocols: dict[str, str]
) -> tuple[Listener, ...]:
    for listener in listeners:
        if listener.name not in protocols:
            text = f"No security protocol defined for listener {listener.name}"
            raise _refuse(key, listeners_text(listeners), text)
    return tuple(each._replace(security_protocol=protocols[each.name]) for each in listeners)


def require_consistent(settings: "BrokerSettings") -> None:
    """SettingError when settings contradict each other."""
    _require_distinct(settings)
    _require_quorum(settings)
    _require_controller_listeners(settings)
    if "broker" in settings.process_roles:
        _require_broker_listeners(settings)
    _require_own_directories(settings)
    _require_amounts(settings)


def _require_distinct(settings: "BrokerSettings") -> None:
    for key, listeners in (
        ("listeners", settings.listeners),
        ("advertised.listeners", settings.advertised_listeners),
    ):
        if len({listener.name for listener in listeners}) < len(listeners):
            raise _refuse(
                key, listeners_text(listeners), "Each listener must have a different name"
            )
    by_port: dict[int, list[Listener]] = {}
    for listener in settings.listeners:
        if listener.port != 0:
            by_port.setdefault(listener.port, []).append(listener)
    for sharing in by_port.values():
        families = sorted(_is_ip_v6(each.host) for each in sharing if _is_ip(each.host))
        if len(sharing) > 1 and not (len(sharing) == 2 and families == [False, True]):
            text = "Each listener must have a different port, or one be IPv4 and the other IPv6"
            raise _refuse("listeners", listeners_text(settings.listeners), text)


def _is_ip_v6(host: str) -> bool:
    return ":" in host


def _is_ip(host: str) -> bool:
    return _is_ip_v6(host) or host.replace(".", "").isdecimal()


def _require_quorum(settings: "BrokerSettings") -> None:
    voters = settings.controller_quorum_voters
    if not voters and not settings.controller_quorum_bootstrap_servers:
        text = "either this or controller.quorum.bootstrap.servers must name the controllers"
        raise _refuse("controller.quorum.voters", "", text)
    is_voter = settings.node_id in {voter.id for voter in voters}
    shown = ",".join(f"{voter.id}@{voter.host}:{voter.port}" for voter in voters)
    if "controller" in settings.process_roles and voters and not is_voter:
        text = f"must include this controller's node.id, {settings.node_id}"
        raise _refuse("controller.quorum.voters", shown, text)
    if "controller" not in settings.process_roles and is_voter:
        text = f"must not include the node.id of a mere broker, {settings.node_id}"
        raise _refuse("controller.quorum.voters", shown, text)


def _require_controller_listeners(settings: "BrokerSettings") -> None:
    key, names = "controller.listener.names", settings.controller_listener_names
    own = {listener.name for listener in settings.listeners}
    if "controller" not in settings.process_roles:
        if own & set(names):
            text = "must not name any of this node's listeners, as it is a broker only"
            raise _refuse(key, ",".join(names), text)
        for name in names:
            if name not in _protocols(settings):
                raise _refuse(key, name, "is not found in listener.security.protocol.map")
    elif not set(names) <= own:
        raise _refuse(key, ",".join(names), "must only name listeners that 'listeners' has")
    elif "broker" not in settings.process_roles and not own <= set(names):
        text = "must only contain controller listeners when process.roles=controller"
        raise _refuse("listeners", listeners_text(settings.listeners), text)


def _require_broker_listeners(settings: "BrokerSettings") -> None:
    controllers = set(settings.controller_listener_names)
    own = [listener.name for listener in settings.listeners]
    told = [listener.name for listener in settings.advertised_listeners] or own
    shown = listeners_text(settings.advertised_listeners or settings.listeners)
    if not set(told) - controllers:
        text = "must name at least one listener that is not in controller.listener.names"
        raise _refuse("advertised.listeners", shown, text)
    between = settings.inter_broker_listener_name
    if between not in told or between in controllers:
        options = ", ".join(name for name in told if name not in controllers)
        text = f"must be one of the advertised listeners: {options}"
        raise _refuse("inter.broker.listener.name", between, text)
    if not set(told) <= set(own):
        raise _refuse("advertised.listeners", shown, f"must be among listeners: {', '.join(own)}")
    if any(listener.host == "0.0.0.0" for listener in settings.advertised_listeners):
        raise _refuse("advertised.listeners", shown, "0.0.0.0 is not an address to connect to")


def _require_own_directories(settings: "BrokerSettings") -> None:
    strange = set(settings.cordoned_log_dirs) - {"*", *settings.log_dirs}
    if strange:
        text = "may only name directories of log.dirs, or * for all of them"
        raise _refuse("cordoned.log.dirs", ",".join(sorted(strange)), text)


def _require_amounts(settings: "BrokerSettings") -> None:
    s = settings
    if s.log_roll_ms < 1:
        raise _refuse("log.roll.ms", str(s.log_roll_ms), "must be at least 1")
    if s.log_roll_jitter_ms < 0:
        raise _refuse("log.roll.jitter.ms", str(s.log_roll_jitter_ms), "must be at least 0")
    if s.log_retention_ms == 0:
        raise _refuse("log.retention.ms", "0", "must be -1, which is for ever, or at least 1")
    buffer_bytes = s.log_cleaner_dedupe_buffer_size
    if s.log_cleaner_threads == 0 or buffer_bytes // s.log_cleaner_threads <= _MEBIBYTE:
        text = "must be more than 1 MiB for each of log.cleaner.threads, of which there is one"
        raise _refuse("log.cleaner.dedupe.buffer.size", str(buffer_bytes), text)
    wait_ms = s.replica_fetch_wait_max_ms
    for key, limit_ms in (
        ("replica.socket.timeout.ms", s.replica_socket_timeout_ms),
        ("replica.lag.time.max.ms", s.replica_lag_time_max_ms),
    ):
        if wait_ms > limit_ms:
            text = f"must be at least replica.fetch.wait.max.ms, which is {wait_ms}"
            raise _refuse(key, str(limit_ms), text)
    queued_bytes = s.queued_max_request_bytes
    if "queued.max.request.bytes" in s.originals and 0 < queued_bytes < s.socket_request_max_bytes:
        text = f"must be at least socket.request.max.bytes, which is {s.socket_request_max_bytes}"
        raise _refuse("queued.max.request.bytes", str(queued_bytes), text)
    if s.max_connections_per_ip == 0 and not s.max_connections_per_ip_overrides:
        text = "may only be 0 together with max.connections.per.ip.overrides"
        raise _refuse("max.connections.per.ip", "0", text)


def _refuse(key: str, value: str, allowed: str) -> SettingError:
    return SettingError(key, value, allowed)
