"""What is true of a group, from two sides: the broker asked on the wire, and kafka-consumer-groups.

The wire is asked without any client library, the tool's tables are read as rows of named columns.
"""

import struct
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from harness.wire import AnswerError, Reader, Wire, request, string

OFFSET_FETCH = 9
HEARTBEAT = 12
DESCRIBE_GROUPS = 15

_LOADING = 14  # COORDINATOR_LOAD_IN_PROGRESS
_NOT_AVAILABLE = 15
_NOT_COORDINATOR = 16
_ILLEGAL_GENERATION = 22
_REBALANCING = 27
_GENERATIONS = range(1, 200)

Answer = TypeVar("Answer")


class GroupMember(NamedTuple):
    member_id: str
    instance: str | None
    client_id: str
    host: str


class Group(NamedTuple):
    state: str
    protocol: str
    members: list[GroupMember]


def _nullable_string(answer: Reader) -> str | None:
    size = answer.unpack("h")
    return None if size < 0 else answer.take(size).decode()


def _string(answer: Reader) -> str:
    value = _nullable_string(answer)
    assert value is not None
    return value


def _when_loaded(question: Callable[[], Answer]) -> Answer:
    """Ask again while the coordinator loads the group, as after a start."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return question()
        except AnswerError as error:
            waits = error.code in (_LOADING, _NOT_AVAILABLE, _NOT_COORDINATOR)
            if not waits or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def describe(wire: Wire, group: str) -> Group:
    """DescribeGroups v4."""
    return _when_loaded(lambda: _describe(wire, group))


def _describe(wire: Wire, group: str) -> Group:
    body = struct.pack(">i", 1) + string(group) + b"\0"
    answer = wire.ask(request(DESCRIBE_GROUPS, 4, body))
    answer.take(4 + 4)  # throttle time, group count
    answer.expect_success(f"DescribeGroups for {group}")
    _string(answer)  # group id
    state = _string(answer)
    _string(answer)  # protocol type
    protocol = _string(answer)
    members = []
    for _ in range(answer.unpack("i")):
        member_id, instance = _string(answer), _nullable_string(answer)
        members.append(GroupMember(member_id, instance, _string(answer), _string(answer)))
        answer.take(answer.unpack("i"))  # metadata
        answer.take(answer.unpack("i"))  # assignment
    return Group(state, protocol, members)


def committed(wire: Wire, group: str, topic: str, partitions: int) -> dict[int, int]:
    """OffsetFetch v5: the committed offset of each partition, -1 where there is none."""
    return _when_loaded(lambda: _committed(wire, group, topic, partitions))


def _committed(wire: Wire, group: str, topic: str, partitions: int) -> dict[int, int]:
    body = string(group) + struct.pack(">i", 1) + string(topic)
    body += struct.pack(f">i{partitions}i", partitions, *range(partitions))
    answer = wire.ask(request(OFFSET_FETCH, 5, body))
    answer.take(4)  # throttle time
    offsets = {}
    for _ in range(answer.unpack("i")):
        _string(answer)  # topic
        for _ in range(answer.unpack("i")):
            partition = answer.unpack("i")
            offsets[partition] = answer.unpack("q")
            answer.unpack("i")  # leader epoch
            _nullable_string(answer)  # metadata
            answer.expect_success(f"OffsetFetch for {topic}-{partition}")
    answer.expect_success(f"OffsetFetch for {group}")
    return offsets


def generation(wire: Wire, group: str) -> int:
    """The generation, which no answer shows: the one that a member's heartbeat may name."""
    member = describe(wire, group).members[0]
    for candidate in _GENERATIONS:
        code = _heartbeat(wire, group, candidate, member)
        if code in (0, _REBALANCING):
            return candidate
        assert code == _ILLEGAL_GENERATION, f"Heartbeat of {member} answers {code}"
    raise AssertionError(f"{group} is in none of the generations {_GENERATIONS}")


def _heartbeat(wire: Wire, group: str, candidate: int, member: GroupMember) -> int:
    """Heartbeat v3 in a member's name; its error code."""
    instance = struct.pack(">h", -1) if member.instance is None else string(member.instance)
    body = string(group) + struct.pack(">i", candidate) + string(member.member_id) + instance
    answer = wire.ask(request(HEARTBEAT, 3, body))
    answer.take(4)  # throttle time
    return answer.unpack("h")


def rows(printed: str) -> list[dict[str, str]]:
    """A table of kafka-consumer-groups: for each row, column to value."""
    lines = [line.replace("COORDINATOR (ID)", "COORDINATOR") for line in printed.splitlines()]
    heads = [number for number, line in enumerate(lines) if line.startswith("GROUP ")]
    assert len(heads) == 1, printed
    columns = lines[heads[0]].split()
    # A broker's id follows its address in the same cell.
    values = [line.replace(" (0)", "").split() for line in lines[heads[0] + 1 :] if line.strip()]
    return [dict(zip(columns, row, strict=False)) for row in values]
