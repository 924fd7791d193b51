"""What happens inside of brokers and leaves no trace in metadata or logs, seen at the door of the
method that does it.

For as long as a world runs, some methods of the production code are wrapped: the wrapper looks at
what goes in and comes out and counts the branch. So brokers need not know that anybody counts.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, Final, NamedTuple

from minikafka.broker.liveness import BrokerLiveness
from minikafka.broker.quorum import QuorumHost
from minikafka.broker.quorum_log import QuorumLog
from minikafka.coordinators.runtime import loading
from minikafka.coordinators.runtime.shard import Shard
from minikafka.log.producer_state import ProducerStates
from minikafka.log.reading import ReadableLog
from minikafka.log.recovery import _Scan
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.raft.elections import Elections
from minikafka.replication.full_disks import FullDisks
from minikafka.replication.partition import Partition
from minikafka_client.nearest import NearestReplicas


class _Sighting(NamedTuple):
    """Of a branch. `begins` looks at the object as a call of the method begins, `ends` at what the
    method returns or raises; a call is the branch if both say so."""

    branch: str
    owner: type
    method: str
    begins: Callable[[Any], bool] = lambda owner: True
    ends: Callable[[Any], bool] = lambda outcome: True


def _refused_with(code: ErrorCode) -> Callable[[Any], bool]:
    return lambda outcome: isinstance(outcome, KafkaError) and outcome.code == code


def _is_loading(shard: Any) -> bool:
    return bool(shard.unavailable is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)


def _is_something(outcome: Any) -> bool:
    return outcome is not None


def _has_fault(outcome: Any) -> bool:
    return isinstance(outcome, tuple) and outcome[1] is not None


_SIGHTINGS: Final = (
    _Sighting("pre-vote refused", Elections, "_would_grant", ends=lambda granted: not granted),
    _Sighting("metadata snapshot written", QuorumLog, "snapshot_written"),
    _Sighting("metadata snapshot installed", QuorumLog, "install"),
    _Sighting(
        "controller deposed with decisions pending",
        QuorumHost,
        "_fail_waiting",
        begins=lambda host: len(host._waiting) > 0,
    ),
    _Sighting("broker found gone by its connections", BrokerLiveness, "_refused"),
    _Sighting("diverging epoch told", Partition, "diverges", ends=_is_something),
    _Sighting(
        "not enough replicas",
        Partition,
        "append",
        ends=_refused_with(ErrorCode.NOT_ENOUGH_REPLICAS),
    ),
    _Sighting(
        "out of range", ReadableLog, "read", ends=_refused_with(ErrorCode.OFFSET_OUT_OF_RANGE)
    ),
    _Sighting("duplicate answered from the window", ProducerStates, "check", ends=_is_something),
    _Sighting("coordinator loading", Shard, "submit", begins=_is_loading),
    _Sighting("torn log cut at the start", _Scan, "read", ends=_has_fault),
    _Sighting("disk full", FullDisks, "note"),
    _Sighting("consumer sent to a follower", NearestReplicas, "advise"),
)


@contextmanager
def loading_in_pieces(size_bytes: int) -> Iterator[None]:
    """Coordinators load so much of their logs at a time: logs are short here, and a loading that
    is over at once meets nobody."""
    usual = loading._PIECE_BYTES
    loading._PIECE_BYTES = size_bytes
    try:
        yield
    finally:
        loading._PIECE_BYTES = usual


@contextmanager
def sightings(reach: Callable[[str], None]) -> Iterator[None]:
    """`reach` is told of each branch, as often as it occurs, until the block is left."""
    with ExitStack() as stack:
        for sighting in _SIGHTINGS:
            found = getattr(sighting.owner, sighting.method)
            setattr(sighting.owner, sighting.method, _watched(sighting, found, reach))
            stack.callback(setattr, sighting.owner, sighting.method, found)
        yield


def _watched(
    sighting: _Sighting, method: Callable[..., Any], reach: Callable[[str], None]
) -> Callable[..., Any]:
    branch, begins, ends = sighting.branch, sighting.begins, sighting.ends

    @wraps(method)
    def call(owner: Any, *args: Any, **named: Any) -> Any:
        may_be = begins(owner)
        try:
            outcome = method(owner, *args, **named)
        except KafkaError as error:
            if may_be and ends(error):
                reach(branch)
            raise
        if may_be and ends(outcome):
            reach(branch)
        return outcome

    return call
