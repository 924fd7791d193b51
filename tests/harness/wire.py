"""Just enough of Kafka's wire, by hand, to ask a broker questions without any client library.

It knows nothing of minikafka's own codec, so that a mistake there cannot hide itself here.
"""

import socket
import struct
import time
import uuid
from typing import NamedTuple, Self

PRODUCE = 0
FETCH = 1
LIST_OFFSETS = 2
METADATA = 3
API_VERSIONS = 18
CREATE_TOPICS = 19
DELETE_TOPICS = 20

_CLIENT_ID = b"harness"


NOT_LEADER_OR_FOLLOWER = 6


class AnswerError(Exception):
    """An answer with an error code, where the question allows none."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} answers error {code}")
        self.code = code


class TopicDescription(NamedTuple):
    error_code: int
    topic_id: uuid.UUID
    leaders: dict[int, int]


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def string(value: str) -> bytes:
    """A string before flexible versions: int16 length."""
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def compact_string(value: str) -> bytes:
    data = value.encode()
    return uvarint(len(data) + 1) + data


def request(
    api_key: int, version: int, body: bytes, *, flexible: bool = False, correlation_id: int = 0
) -> bytes:
    """A whole frame, size prefix included; header v2 for flexible versions, v1 before."""
    header = struct.pack(">hhih", api_key, version, correlation_id, len(_CLIENT_ID)) + _CLIENT_ID
    payload = header + (b"\0" if flexible else b"") + body
    return struct.pack(">i", len(payload)) + payload


class Reader:
    """A position in an answer; every method reads one value and moves on."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    def unpack(self, layout: str) -> int:
        (value,) = struct.unpack_from(">" + layout, self.data, self.position)
        self.position += struct.calcsize(">" + layout)
        assert isinstance(value, int)
        return value

    def expect_success(self, what: str) -> None:
        """Read an error code. Raises AnswerError unless it is 0."""
        if code := self.unpack("h"):
            raise AnswerError(what, code)

    def take(self, size: int) -> bytes:
        taken = self.data[self.position : self.position + size]
        assert len(taken) == size, "answer ends early"
        self.position += size
        return taken

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def compact_string(self) -> str:
        size = self.uvarint()
        return self.take(size - 1).decode() if size else ""

    def skip_tags(self) -> None:
        for _ in range(self.uvarint()):
            self.uvarint()
            self.take(self.uvarint())


class Wire:
    """One blocking connection to a broker."""

    def __init__(self, host: str, port: int, timeout_s: float = 10) -> None:
        self.socket = socket.create_connection((host, port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, frame: bytes) -> Reader:
        """Send a frame and read the answer, positioned behind its correlation id."""
        self.socket.sendall(frame)
        (size,) = struct.unpack(">i", self._receive(4))
        return Reader(self._receive(size), 4)

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            if not (more := self.socket.recv(size - len(data))):
                raise ConnectionError("the broker closed the connection")
            data += more
        return bytes(data)

    def api_versions(self) -> dict[int, tuple[int, int]]:
        """What the broker advertises: api key to lowest and highest version."""
        answer = self.ask(request(API_VERSIONS, 0, b""))
        answer.expect_success("ApiVersions")
        entries = range(answer.unpack("i"))
        return {answer.unpack("h"): (answer.unpack("h"), answer.unpack("h")) for _ in entries}

    def broker_ids(self) -> list[int]:
        """The unfenced brokers (Metadata v10 for no topics)."""
        return self._metadata(None)[0]

    def describe_topic(self, name: str) -> TopicDescription:
        topic = self._metadata(name)[1]
        assert topic is not None
        return topic

    def _metadata(self, topic: str | None) -> tuple[list[int], TopicDescription | None]:
        topics = b"\x01" if topic is None else b"\x02" + bytes(16) + compact_string(topic) + b"\0"
        answer = self.ask(request(METADATA, 10, topics + b"\0\0\0\0", flexible=True))
        answer.skip_tags()
        answer.unpack("i")  # throttle time
        brokers = []
        for _ in range(answer.uvarint() - 1):
            brokers.append(answer.unpack("i"))
            answer.compact_string()  # host
            answer.unpack("i")  # port
            answer.compact_string()  # rack
            answer.skip_tags()
        answer.compact_string()  # cluster id
        answer.unpack("i")  # controller id
        if answer.uvarint() == 1:
            return brokers, None
        error_code = answer.unpack("h")
        answer.compact_string()  # name
        topic_id = uuid.UUID(bytes=answer.take(16))
        answer.take(1)  # is internal
        leaders = {}
        for _ in range(answer.uvarint() - 1):
            answer.unpack("h")  # error of the partition
            partition = answer.unpack("i")
            leaders[partition] = answer.unpack("i")
            answer.unpack("i")  # leader epoch
            for _ in range(3):  # replicas, in-sync replicas, offline replicas
                answer.take(4 * (answer.uvarint() - 1))
            answer.skip_tags()
        return brokers, TopicDescription(error_code, topic_id, leaders)

    def create_topic(
        self, name: str, partitions: int = 1, configs: dict[str, str] | None = None
    ) -> None:
        """CreateTopics v4, replication factor 1; returns once each partition can be written."""
        settings = configs or {}
        body = struct.pack(">i", 1) + string(name) + struct.pack(">ihi", partitions, 1, 0)
        body += struct.pack(">i", len(settings))
        body += b"".join(string(key) + string(value) for key, value in settings.items())
        answer = self.ask(request(CREATE_TOPICS, 4, body + struct.pack(">i?", 30_000, False)))
        answer.take(4 + 4)  # throttle time, topic count
        answer.take(answer.unpack("h"))
        answer.expect_success(f"CreateTopics for {name}")
        while sorted(self.describe_topic(name).leaders.values()) != [0] * partitions:
            time.sleep(0.001)
        for partition in range(partitions):
            self.end_offset(name, partition)

    def delete_topic(self, name: str) -> None:
        body = struct.pack(">i", 1) + string(name) + struct.pack(">i", 30_000)
        answer = self.ask(request(DELETE_TOPICS, 3, body))
        answer.take(4 + 4)
        answer.take(answer.unpack("h"))
        answer.expect_success(f"DeleteTopics for {name}")

    def end_offset(self, topic: str, partition: int = 0) -> int:
        """The high watermark (ListOffsets v1 for timestamp -1).

        Metadata may be ahead of the replica, after a start as after a creation: while the named
        leader denies it, the question is asked again.
        """
        deadline = time.monotonic() + 10
        while True:
            try:
                return self._end_offset(topic, partition)
            except AnswerError as error:
                if error.code != NOT_LEADER_OR_FOLLOWER or time.monotonic() > deadline:
                    raise
            time.sleep(0.001)

    def _end_offset(self, topic: str, partition: int) -> int:
        body = struct.pack(">ii", -1, 1) + string(topic)
        body += struct.pack(">iiq", 1, partition, -1)
        answer = self.ask(request(LIST_OFFSETS, 1, body))
        answer.take(4)
        answer.take(answer.unpack("h"))
        answer.take(4 + 4)  # partition count, partition
        answer.expect_success(f"ListOffsets for {topic}-{partition}")
        answer.take(8)  # timestamp
        return answer.unpack("q")
