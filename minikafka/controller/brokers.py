"""The life of a broker as the controller sees it: registered, fenced, up, stopping.

A registration is for one process (incarnation) and gives it a broker epoch, the offset at which it
was written. It starts fenced; a heartbeat that does not ask to stay fenced unfences it once it has
applied the metadata up to its own registration. A heartbeat that asks to shut down moves its
leaderships away and takes it out of every ISR, and lets it go when all others know. (A controller
that became active meanwhile does not know what they are to have seen, and lets it go.) With
that its session ends, so that its successor need not wait as long as in Kafka.

    fenced                -> up                   wants to be up, and has caught up
    up                    -> fenced               wants to be fenced, or its session ran out
    up                    -> controlled shutdown  wants to shut down, and leads partitions
    controlled shutdown   -> gone (fenced)        leads nothing, the others have seen it
    fenced, up            -> gone (fenced)        wants to shut down, and leads nothing
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.leadership import broker_comes, broker_goes, directories_go
from minikafka.metadata.features import METADATA_VERSION
from minikafka.metadata.record_versions import FEATURE_4_3_IV0
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.broker_heartbeat import (
    BrokerHeartbeatRequest,
    BrokerHeartbeatResponse,
)
from minikafka.protocol.messages.broker_registration import (
    BrokerRegistrationRequest,
    BrokerRegistrationResponse,
)
from minikafka.protocol.records.metadata.broker_registration_change_record import (
    BrokerRegistrationChangeRecord,
)
from minikafka.protocol.records.metadata.register_broker_record import (
    BrokerEndpoint,
    BrokerFeature,
    RegisterBrokerRecord,
)

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState
    from minikafka.metadata.image import BrokerImage
    from minikafka.metadata.replay import MetadataRecord

FENCE = 1
UNFENCE = -1
_RESERVED_DIRECTORIES = 100
"""Directory ids below this number mean something else than a directory (unassigned, lost, …)."""


def register_broker(
    state: ControllerState, request: BrokerRegistrationRequest, next_offset: int, now_ms: int
) -> Decision[BrokerRegistrationResponse]:
    """A new process of a broker, fenced for now; `next_offset` will be its epoch.

    KafkaError: INCONSISTENT_CLUSTER_ID, DUPLICATE_BROKER_REGISTRATION while another process with
    this id is alive, BROKER_ID_NOT_REGISTERED for one that comes from ZooKeeper,
    INVALID_REGISTRATION, UNSUPPORTED_VERSION for a feature whose level it cannot be at.
    """
    if request.cluster_id != state.cluster_id:
        raise KafkaError(
            ErrorCode.INCONSISTENT_CLUSTER_ID,
            f"Expected cluster ID {state.cluster_id}, but got cluster ID {request.cluster_id}",
        )
    existing = state.image.brokers.get(request.broker_id)
    is_new = existing is None or existing.incarnation_id != request.incarnation_id
    if (
        existing is not None
        and is_new
        and state.sessions.has_session(existing.broker_id, existing.epoch, now_ms)
    ):
        raise KafkaError(
            ErrorCode.DUPLICATE_BROKER_REGISTRATION,
            "Another broker is registered with that broker id. If the broker was recently "
            "restarted this should self-resolve once the heartbeat manager expires the "
            "broker's session.",
        )
    if request.is_migrating_zk_broker:
        raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, "No brokers of ZooKeeper's are served")
    _check_directories(state, request)
    _check_features(state, request)
    records: list[MetadataRecord] = []
    if is_new:
        # Also of a broker that was unregistered: it may still be eligible somewhere.
        is_clean = existing is not None and request.previous_broker_epoch == existing.epoch
        unclean = state.elr_enabled and not is_clean
        records += broker_goes(state, request.broker_id, unclean=unclean)
    amended = None if is_new else existing
    epoch = next_offset if amended is None else amended.epoch
    records.append(_registration(request, epoch, amended))
    return Decision(records, BrokerRegistrationResponse(broker_epoch=epoch))


def _check_directories(state: ControllerState, request: BrokerRegistrationRequest) -> None:
    if not state.directories_known:
        return
    directories = request.log_dirs
    if not directories:
        raise _invalid("No directories specified in request")
    if any(directory.int < _RESERVED_DIRECTORIES for directory in directories):
        raise _invalid("Reserved directory ID in request")
    if len(set(directories)) < len(directories):
        raise _invalid("Duplicate directory ID in request")
    for broker in state.image.brokers.values():
        taken = set(broker.log_dirs).intersection(directories)
        if taken and broker.broker_id != request.broker_id:
            raise _invalid(
                f"Broker {broker.broker_id} is already registered with directory {taken.pop()}"
            )


def _check_features(state: ControllerState, request: BrokerRegistrationRequest) -> None:
    ranges = {
        feature.name: (feature.min_supported_version, feature.max_supported_version)
        for feature in request.features
    }
    finalized = state.image.features
    for name, (lowest, highest) in ranges.items():
        _check_level(name, finalized.get(name, 0), lowest, highest)
    if METADATA_VERSION not in ranges:
        raise _invalid("Request features do not contain 'metadata.version'")
    for name, level in finalized.items():
        if name not in ranges:
            _check_level(name, level, 0, 0)


def _check_level(name: str, level: int, lowest: int, highest: int) -> None:
    """A feature that nobody has finalised is at level 0."""
    if not lowest <= level <= highest:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_VERSION,
            "Unable to register because the broker does not support finalized version "
            f"{level} of {name}. The broker wants a version between {lowest} and {highest}, "
            "inclusive.",
        )


def _registration(
    request: BrokerRegistrationRequest, epoch: int, amended: BrokerImage | None
) -> RegisterBrokerRecord:
    """`amended` is the registration of the same process, which keeps its standing."""
    return RegisterBrokerRecord(
        broker_id=request.broker_id,
        incarnation_id=request.incarnation_id,
        broker_epoch=epoch,
        end_points=[
            BrokerEndpoint(
                name=listener.name,
                host=listener.host,
                port=listener.port,
                security_protocol=listener.security_protocol,
            )
            for listener in request.listeners
        ],
        features=[
            BrokerFeature(
                name=feature.name,
                min_supported_version=feature.min_supported_version,
                max_supported_version=feature.max_supported_version,
            )
            for feature in request.features
        ],
        rack=request.rack,
        fenced=amended is None or amended.fenced,
        in_controlled_shutdown=amended is not None and amended.in_controlled_shutdown,
        log_dirs=sorted(request.log_dirs, key=lambda directory: directory.int),
    )


def check_broker_epoch(state: ControllerState, broker_id: int, broker_epoch: int) -> BrokerImage:
    """The registration of this broker; KafkaError if the request is of another process of it."""
    broker = state.image.brokers.get(broker_id)
    if broker is None:
        raise KafkaError(
            ErrorCode.STALE_BROKER_EPOCH, f"No broker registration found for broker id {broker_id}"
        )
    if broker.epoch != broker_epoch:
        raise KafkaError(
            ErrorCode.STALE_BROKER_EPOCH,
            f"Expected broker epoch {broker.epoch}, but got broker epoch {broker_epoch}",
        )
    return broker


def heartbeat(
    state: ControllerState, request: BrokerHeartbeatRequest
) -> Decision[BrokerHeartbeatResponse]:
    """What a broker wants, and what it gets. KafkaError STALE_BROKER_EPOCH for a former process."""
    broker = check_broker_epoch(state, request.broker_id, request.broker_epoch)
    response = BrokerHeartbeatResponse(
        is_caught_up=request.current_metadata_offset >= broker.epoch, is_fenced=broker.fenced
    )
    records = _directories_failed(state, broker, request)
    if records:
        # What it may lead is decided on its next heartbeat, when this has been replayed.
        return Decision(records, response, atomic=False)
    if request.want_shut_down:
        records, response.should_shut_down = _shut_down(state, broker, request)
        response.is_fenced = broker.fenced or response.should_shut_down
    elif request.want_fence:
        records = [] if broker.fenced else fence(state, broker)
        response.is_fenced = True
    elif broker.fenced and response.is_caught_up:
        records = [_change(broker, fenced=UNFENCE), *broker_comes(state, broker.broker_id)]
        response.is_fenced = False
    records += _cordoned(state, broker, request)
    return Decision(records, response, atomic=False)


def _shut_down(
    state: ControllerState, broker: BrokerImage, request: BrokerHeartbeatRequest
) -> tuple[list[MetadataRecord], bool]:
    """The records of a wish to shut down, and whether it may be done now."""
    if broker.fenced:
        return [], True
    leads = _leads(state, broker)
    if leads and not broker.in_controlled_shutdown and not request.want_fence:
        change = _change(broker)
        change.in_controlled_shutdown = 1
        return [change, *broker_goes(state, broker.broker_id)], False
    if (leads or _others_wait(state, broker)) and not request.want_fence:
        return [], False
    return fence(state, broker), True


def fence(state: ControllerState, broker: BrokerImage) -> list[MetadataRecord]:
    """The broker is cut off: it leads nothing, is in no ISR, and clients are not shown it."""
    return [*broker_goes(state, broker.broker_id), _change(broker, fenced=FENCE)]


def unreachable(state: ControllerState, broker_id: int, broker_epoch: int) -> Decision[None]:
    """Fence a broker whose process is known to be gone; nothing if it has been restarted since."""
    broker = state.image.brokers.get(broker_id)
    if broker is None or broker.epoch != broker_epoch or broker.fenced:
        return Decision([], None)
    return Decision(fence(state, broker), None, atomic=False)


def _leads(state: ControllerState, broker: BrokerImage) -> bool:
    return any(partition.leader == broker.broker_id for _, _, partition in state.image.partitions())


def _others_wait(state: ControllerState, broker: BrokerImage) -> bool:
    """Whether brokers that are up have yet to learn who leads what a stopping one has led."""
    if not broker.in_controlled_shutdown:
        return False
    since = state.sessions.shutdown_offset(broker.broker_id)
    return any(
        state.sessions.metadata_offset(other.broker_id) < since
        for other in state.image.brokers.values()
        if other.is_active and other.broker_id != broker.broker_id
    )


def _directories_failed(
    state: ControllerState, broker: BrokerImage, request: BrokerHeartbeatRequest
) -> list[MetadataRecord]:
    """The broker goes on without the log directories that it reports as failed (KIP-858)."""
    failed = [found for found in request.offline_log_dirs if found in broker.log_dirs]
    if not failed or not state.directories_known:
        return []
    change = _change(broker)
    change.log_dirs = [found for found in broker.log_dirs if found not in failed]
    return [change, *directories_go(state, broker.broker_id, failed)]


def _cordoned(
    state: ControllerState, broker: BrokerImage, request: BrokerHeartbeatRequest
) -> list[MetadataRecord]:
    """Directories that take no new replicas, when the broker names others than before."""
    cordoned = request.cordoned_log_dirs
    if cordoned is None or cordoned == broker.cordoned_log_dirs:
        return []
    if state.metadata_version < FEATURE_4_3_IV0:
        return []
    change = _change(broker)
    change.cordoned_log_dirs = cordoned
    return [change]


def _change(broker: BrokerImage, fenced: int = 0) -> BrokerRegistrationChangeRecord:
    return BrokerRegistrationChangeRecord(
        broker_id=broker.broker_id, broker_epoch=broker.epoch, fenced=fenced
    )


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REGISTRATION, text)
