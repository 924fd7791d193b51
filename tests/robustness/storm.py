"""A storm of bad requests over pipelined connections, and the judgement of every answer.

Each request gets a correlation id of its own, so an answer tells which request it belongs to. The
broker may answer, in the right shape and order, or close the connection. What was sent behind a
request that closed its connection is sent again on the next one. A well-formed request must be
answered.
"""

import contextlib
import gzip
import json
import random
import struct
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.broker import RunningBroker
from harness.peer import Peer, framed
from harness.wire import API_VERSIONS, AnswerError

from minikafka.protocol.apis import (
    ApiKey,
    request_class,
    request_header_version,
    response_class,
    response_header_version,
    valid_versions,
)
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ProtocolError
from minikafka.protocol.framing import split_request
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.api_versions import ApiVersionsRequest
from minikafka.protocol.messages.delete_topics import DeleteTopicsRequest
from minikafka.protocol.messages.metadata import MetadataRequest
from minikafka.protocol.schema import fields_of
from minikafka.protocol.types import Struct
from robustness.mutation import Mutator
from robustness.values import Imagination

VECTORS = Path(__file__).parents[1] / "conformance" / "vectors" / "kafka-4.3.jsonl.gz"
VOLLEY = 16
SILENCE_S = 2.0
SENTINEL = -77
TOPICS = 4
PARTITIONS_MAX = 200
BAD_PREFIX_SHARE = 0.04
SOUND_SHARE = 0.35
# Kafka closes the connection over an enumeration's value that it does not know.
MAY_CLOSE = (ApiKey.DESCRIBE_ACLS, ApiKey.CREATE_ACLS, ApiKey.DELETE_ACLS)


class Shot:
    """One request to be sent: its payload without the size prefix, and whether it is sound."""

    __slots__ = ("correlation_id", "data", "is_sound", "tries")

    def __init__(self, data: bytes, correlation_id: int, *, is_sound: bool) -> None:
        stamped = bytearray(data)
        if len(stamped) >= 8:
            struct.pack_into(">i", stamped, 4, correlation_id)
        self.data = bytes(stamped)
        self.correlation_id = correlation_id
        self.is_sound = is_sound
        self.tries = 0

    @property
    def api(self) -> tuple[int, int]:
        """(key, version) as the bytes say it."""
        key, version = struct.unpack_from(">hh", self.data.ljust(4, b"\0"))
        return key, version

    @property
    def may_go_unanswered(self) -> bool:
        """Produce with acks=0."""
        return self.api[0] == ApiKey.PRODUCE

    @property
    def must_be_answered(self) -> bool:
        return self.is_sound and not self.may_go_unanswered and self.api[0] not in MAY_CLOSE

    def __str__(self) -> str:
        return f"{self.api} {'sound' if self.is_sound else 'damaged'} {self.data.hex()}"


class BadAnswerError(AssertionError):
    """The broker answered what no client could make sense of, or closed where it must answer."""


class Storm:
    """Sends shots to one broker and counts what became of them (`outcomes`)."""

    def __init__(self, broker: RunningBroker, seed: int) -> None:
        self.broker = broker
        self.source = random.Random(seed)
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[int] = Counter()
        self.served: dict[int, tuple[int, int]] = {}
        self._topics: list[tuple[str, uuid.UUID]] = []
        self._correlation_id = 0
        self._peer: Peer | None = None
        with Peer(broker.host, broker.port) as peer:
            self.served = peer.api_versions()
        self._imagination = Imagination(self.source, self._topics)
        self._vectors = list(self._vector_payloads())
        self._mutator = Mutator(self.source, self._vectors)

    # --- what to send

    def _vector_payloads(self) -> Iterator[bytes]:
        """Requests as Kafka's own serialisers wrote them, of all APIs that are served."""
        with gzip.open(VECTORS, "rt") as lines:
            for line in lines:
                vector = json.loads(line)
                if vector["type"] == "request" and vector["apiKey"] in self.served:
                    key, version = vector["apiKey"], vector["version"]
                    yield _header(key, version) + bytes.fromhex(vector["hex"])

    def _sound(self) -> bytes:
        key = ApiKey(self.source.choice(sorted(self.served)))
        low, high = self.served[key]
        version = self.source.randint(max(low, valid_versions(key)[0]), high)
        return _header(key, version) + encode(self._imagination.request(key, version), version)

    def _shot(self) -> Shot:
        self._correlation_id += 1
        lot = self.source.random()
        if lot < SOUND_SHARE:
            return Shot(self._sound(), self._correlation_id, is_sound=True)
        payload = self._sound() if lot < 0.7 else self.source.choice(self._vectors)
        shot = Shot(self._mutator.damaged(payload), self._correlation_id, is_sound=False)
        return shot if not _is_costly(shot) else self._shot()

    # --- sending

    def run(self, count: int) -> None:
        """Send `count` requests and judge what comes back. Raises BadAnswerError."""
        waiting: list[Shot] = []
        while count > 0 or waiting:
            if count > 0 and self.source.random() < BAD_PREFIX_SHARE:
                self._bad_prefix(self._shot().data)
                count -= 1
            while count > 0 and len(waiting) < VOLLEY:
                waiting.append(self._shot())
                count -= 1
            waiting = self._volley(waiting)

    def renew_topics(self) -> None:
        """Delete every topic there is and make fresh ones to aim at."""
        self.delete_topics()
        self._topics.clear()
        with Peer(self.broker.host, self.broker.port) as peer:
            for number in range(TOPICS):
                name = f"storm-{number}"
                configs = {"cleanup.policy": "compact"} if number == 1 else {}
                # Somebody's Metadata request may have created it.
                with contextlib.suppress(AnswerError):
                    peer.create_topic(name, 3, configs)
                self._topics.append((name, peer.describe_topic(name).topic_id))

    def delete_topics(self) -> int:
        """Delete whatever was created; how many topics that were."""
        with Peer(self.broker.host, self.broker.port) as peer:
            listed = peer.call(MetadataRequest(topics=None), 4).topics
            names = [topic.name for topic in listed if topic.name is not None]
            if names:
                peer.call(DeleteTopicsRequest(topic_names=names, timeout_ms=30_000), 3)
            return len(names)

    def _connection(self) -> Peer:
        if self._peer is None:
            self._peer = Peer(self.broker.host, self.broker.port, SILENCE_S)
            self.outcomes["connections"] += 1
        return self._peer

    def _drop_connection(self) -> None:
        if self._peer is not None:
            self._peer.socket.close()
            self._peer = None

    def close(self) -> None:
        self._drop_connection()

    def _bad_prefix(self, payload: bytes) -> None:
        """A size that is not the payload's; the broker closes now or when our half is closed."""
        size = self.source.choice(
            (0, -1, 2**31 - 1, -(2**31), len(payload) - 1, len(payload) + 1, 1, 9, 104_857_601)
        )
        self.outcomes["bad prefix"] += 1
        with Peer(self.broker.host, self.broker.port) as peer:
            try:
                peer.socket.sendall(struct.pack(">i", size) + payload)
                peer.socket.shutdown(1)
                while peer.socket.recv(1 << 16):
                    pass
            except ConnectionError:
                pass
            except TimeoutError as error:
                raise BadAnswerError(f"size {size}: the connection stays open") from error

    def _volley(self, shots: list[Shot]) -> list[Shot]:
        """Send all, and a last one that shows the end; returns those to be sent again."""
        peer = self._connection()
        sentinel = framed(ApiVersionsRequest(), 0, correlation_id=SENTINEL)
        frames = [struct.pack(">i", len(shot.data)) + shot.data for shot in shots]
        left = list(shots)
        try:
            peer.socket.sendall(b"".join(frames) + sentinel)
            while True:
                answer = _receive(peer)
                (correlation_id,) = struct.unpack_from(">i", answer)
                if correlation_id == SENTINEL:
                    self._passed_over(left)
                    return []
                left = self._match(left, correlation_id, answer)
        except TimeoutError:
            self._drop_connection()
            self._still_there()
            self.outcomes["waits"] += 1
            return left[1:]
        except ConnectionError:
            self._drop_connection()
            return self._closed(left)

    def _passed_over(self, shots: list[Shot]) -> None:
        for shot in shots:
            if not shot.may_go_unanswered:
                raise BadAnswerError(f"never answered: {shot}")
            self.outcomes["unanswered"] += 1

    def _match(self, left: list[Shot], correlation_id: int, answer: bytes) -> list[Shot]:
        """Judge the answer; what is left to be answered."""
        for position, shot in enumerate(left):
            if shot.correlation_id == correlation_id:
                self._passed_over(left[:position])
                self._judge(shot, answer)
                return left[position + 1 :]
        raise BadAnswerError(f"an answer to nothing we sent: {answer.hex()}")

    def _closed(self, left: list[Shot]) -> list[Shot]:
        """The first one that was not answered is to blame, or the answers before it were lost."""
        if not left:
            return []
        blamed, rest = left[0], left[1:]
        if blamed.must_be_answered:
            blamed.tries += 1
            if blamed.tries > 3:
                raise BadAnswerError(f"closed by a well-formed request: {blamed}")
            if blamed.tries > 1:
                self._volley_alone(blamed)
                return rest
            return left
        self.outcomes["closed"] += 1
        return rest

    def _volley_alone(self, shot: Shot) -> None:
        for again in self._volley([shot]):
            self._volley_alone(again)

    def _still_there(self) -> None:
        with Peer(self.broker.host, self.broker.port) as peer:
            peer.api_versions()

    # --- judging

    def _judge(self, shot: Shot, answer: bytes) -> None:
        key, version = shot.api
        if key not in self.served:
            raise BadAnswerError(f"an api that is not advertised was answered: {shot}")
        low, high = self.served[key]
        if not low <= version <= high:
            if key != API_VERSIONS:
                raise BadAnswerError(f"a version that is not advertised was answered: {shot}")
            version = 0
        start = 4 + response_header_version(key, version)
        try:
            response, end = decode(response_class(key), version, answer, start)
        except ProtocolError as error:
            raise BadAnswerError(f"{error} in {answer.hex()} to {shot}") from error
        if end != len(answer):
            raise BadAnswerError(f"{len(answer) - end} bytes too many in the answer to {shot}")
        self.outcomes["answered"] += 1
        self.errors.update(_error_codes(response))


def _is_costly(shot: Shot) -> bool:
    """Whether the request, by chance, is one that costs what it should: it unregisters the broker,
    or makes thousands of partitions.
    """
    key, version = shot.api
    if key == ApiKey.UNREGISTER_BROKER:
        return True
    if key not in (ApiKey.CREATE_TOPICS, ApiKey.CREATE_PARTITIONS):
        return False
    try:
        start = split_request(memoryview(shot.data))[1]
        request: Any = decode(request_class(key), version, shot.data, start)[0]
    except (ProtocolError, LookupError):
        return False
    field = "num_partitions" if key == ApiKey.CREATE_TOPICS else "count"
    return any(getattr(topic, field) > PARTITIONS_MAX for topic in request.topics)


def _header(key: int, version: int) -> bytes:
    header = RequestHeader(
        request_api_key=key, request_api_version=version, correlation_id=0, client_id="storm"
    )
    return encode(header, request_header_version(key, version))


def _receive(peer: Peer) -> bytes:
    (size,) = struct.unpack(">i", peer._receive(4))
    return peer._receive(size)


def _error_codes(value: Struct) -> Iterator[int]:
    for field in fields_of(type(value)):
        inner: Any = getattr(value, field.name)
        if field.name == "error_code":
            yield inner
        elif field.struct is not None and inner is not None:
            for element in inner if field.is_array else [inner]:
                yield from _error_codes(element)
