"""From a frame to a handler and back: version check, decoding, errors of a whole request.

A handler takes `(context, request message)` and returns the response message, an awaitable of one,
or None when it answers the exchange itself (Produce with acks=0, a parked Fetch).
`KafkaError` becomes the answer's error code here (the whole request) or in `per_item` (one topic,
partition or group) and nowhere else. Whatever else a handler raises is a fault of ours: `refused`
logs it with its traceback and answers UNKNOWN_SERVER_ERROR in the API's own shape, as Kafka does,
whether the handler failed at once, in a task or while its request was parked, or made an answer
that cannot be written. Only `ProtocolError`, a request that cannot be understood, closes the
connection.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from struct import Struct
from typing import Any, TypeVar

from minikafka.api.context import (
    ControllerContext,
    ControllerServices,
    NodeContext,
    RequestContext,
    Services,
)
from minikafka.network.connection import Exchange
from minikafka.protocol.apis import (
    ADVERTISED_BROKER,
    ADVERTISED_CONTROLLER,
    ApiKey,
    request_class,
    request_header_version,
    response_class,
    response_header_version,
    valid_versions,
)
from minikafka.protocol.codec import decoder, encoder
from minikafka.protocol.errors import ErrorCode, KafkaError, ProtocolError, UnencodableMessage
from minikafka.protocol.types import Message

logger = logging.getLogger("minikafka.api")

Result = Message | Awaitable[Message] | None
Handler = Callable[[Any, Any], Result]
"""Takes a `RequestContext`, on the controller's listener a `ControllerContext`; what is served on
both takes their common `NodeContext`."""
Shortcut = Callable[[Services, Exchange, memoryview, int, int, int], bool]
Refusal = Callable[[Any, Any, KafkaError], Message | None]
Item = TypeVar("Item")
Answer = TypeVar("Answer")

_HEADER = Struct(">hhih")
_CORRELATION = Struct(">i")


class Api:
    """One served API: its handler, how a refused request is answered, its compiled codecs."""

    __slots__ = ("codecs", "handler", "key", "max_version", "min_version", "refusal", "shortcut")

    def __init__(
        self,
        key: ApiKey,
        advertised: tuple[int, int],
        modules: Mapping[ApiKey, str] | None = None,
    ) -> None:
        """`modules` is one of the tables below; the clients' unless given."""
        module = (modules or SERVED)[key]
        import_module(module)
        self.key = key
        self.handler, self.refusal, self.shortcut = _registered[key, module]
        # Produce is advertised from version 0, which only old librdkafka wants to see.
        self.min_version = max(advertised[0], valid_versions(key)[0])
        self.max_version = advertised[1]
        # version -> (decode request, encode response, request and response header versions)
        self.codecs: dict[int, tuple[Any, Any, int, int]] = {}

    def codec(self, version: int) -> tuple[Any, Any, int, int]:
        """Compile on first use: a client touches about fifteen APIs in one version each."""
        found = self.codecs.get(version)
        if found is None:
            found = self.codecs[version] = (
                decoder(request_class(self.key), version),
                encoder(response_class(self.key), version),
                request_header_version(self.key, version),
                response_header_version(self.key, version),
            )
        return found


def refuse_with_error_code(context: NodeContext, request: Message, error: KafkaError) -> Message:
    """The refusal of an API whose response has a top-level `error_code`."""
    response = response_class(context.api_key)()
    response.error_code = int(error.code)  # type: ignore[attr-defined]  # checked when registered
    if hasattr(response, "error_message"):
        response.error_message = error.message or None
    return response


# Which module serves an API to clients, and on the controller's listener; what stands here is
# advertised there. A module, with its message classes, is imported when its first request comes: a
# client touches about fifteen APIs, and importing all of them would be a third of the broker's
# start.
SERVED: dict[ApiKey, str] = {
    ApiKey.PRODUCE: "minikafka.api.produce",
    ApiKey.FETCH: "minikafka.api.fetch",
    ApiKey.LIST_OFFSETS: "minikafka.api.offsets",
    ApiKey.METADATA: "minikafka.api.metadata",
    ApiKey.SASL_HANDSHAKE: "minikafka.api.sasl",
    ApiKey.OFFSET_COMMIT: "minikafka.api.committed_offsets",
    ApiKey.OFFSET_FETCH: "minikafka.api.committed_offsets",
    ApiKey.FIND_COORDINATOR: "minikafka.api.find_coordinator",
    ApiKey.JOIN_GROUP: "minikafka.api.group_membership",
    ApiKey.HEARTBEAT: "minikafka.api.group_membership",
    ApiKey.LEAVE_GROUP: "minikafka.api.group_membership",
    ApiKey.SYNC_GROUP: "minikafka.api.group_membership",
    ApiKey.DESCRIBE_GROUPS: "minikafka.api.groups",
    ApiKey.LIST_GROUPS: "minikafka.api.groups",
    ApiKey.API_VERSIONS: "minikafka.api.api_versions",
    ApiKey.CREATE_TOPICS: "minikafka.api.topics",
    ApiKey.DELETE_TOPICS: "minikafka.api.topics",
    ApiKey.DELETE_RECORDS: "minikafka.api.records_deletion",
    ApiKey.INIT_PRODUCER_ID: "minikafka.api.init_producer_id",
    ApiKey.OFFSET_FOR_LEADER_EPOCH: "minikafka.api.offsets",
    ApiKey.DESCRIBE_ACLS: "minikafka.api.acls",
    ApiKey.CREATE_ACLS: "minikafka.api.acls",
    ApiKey.DELETE_ACLS: "minikafka.api.acls",
    ApiKey.DESCRIBE_CONFIGS: "minikafka.api.configs",
    ApiKey.ALTER_CONFIGS: "minikafka.api.alter_configs",
    ApiKey.ALTER_REPLICA_LOG_DIRS: "minikafka.api.log_dirs",
    ApiKey.DESCRIBE_LOG_DIRS: "minikafka.api.log_dirs",
    ApiKey.CREATE_PARTITIONS: "minikafka.api.topics",
    ApiKey.ELECT_LEADERS: "minikafka.api.leaders",
    ApiKey.DELETE_GROUPS: "minikafka.api.groups",
    ApiKey.INCREMENTAL_ALTER_CONFIGS: "minikafka.api.alter_configs",
    ApiKey.OFFSET_DELETE: "minikafka.api.committed_offsets",
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: "minikafka.api.reassignments",
    ApiKey.LIST_PARTITION_REASSIGNMENTS: "minikafka.api.reassignments",
    ApiKey.DESCRIBE_CLIENT_QUOTAS: "minikafka.api.client_quotas",
    ApiKey.ALTER_CLIENT_QUOTAS: "minikafka.api.client_quotas",
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: "minikafka.api.scram_credentials",
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: "minikafka.api.scram_credentials",
    ApiKey.DESCRIBE_QUORUM: "minikafka.api.quorum",
    ApiKey.UPDATE_FEATURES: "minikafka.api.features",
    ApiKey.DESCRIBE_CLUSTER: "minikafka.api.cluster",
    ApiKey.DESCRIBE_PRODUCERS: "minikafka.api.producers",
    ApiKey.UNREGISTER_BROKER: "minikafka.api.brokers",
    ApiKey.LIST_CONFIG_RESOURCES: "minikafka.api.config_resources",
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: "minikafka.api.topic_partitions",
    ApiKey.ADD_RAFT_VOTER: "minikafka.api.quorum",
    ApiKey.REMOVE_RAFT_VOTER: "minikafka.api.quorum",
}
SERVED_BY_CONTROLLER: dict[ApiKey, str] = {
    ApiKey.FETCH: "minikafka.api.raft",
    ApiKey.SASL_HANDSHAKE: "minikafka.api.sasl",
    ApiKey.API_VERSIONS: "minikafka.api.api_versions",
    ApiKey.CREATE_TOPICS: "minikafka.api.topics",
    ApiKey.DELETE_TOPICS: "minikafka.api.topics",
    ApiKey.DESCRIBE_ACLS: "minikafka.api.acls",
    ApiKey.CREATE_ACLS: "minikafka.api.acls",
    ApiKey.DELETE_ACLS: "minikafka.api.acls",
    ApiKey.DESCRIBE_CONFIGS: "minikafka.api.configs",
    ApiKey.ALTER_CONFIGS: "minikafka.api.controller_configs",
    ApiKey.CREATE_PARTITIONS: "minikafka.api.topics",
    ApiKey.ELECT_LEADERS: "minikafka.api.leaders",
    ApiKey.INCREMENTAL_ALTER_CONFIGS: "minikafka.api.controller_configs",
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: "minikafka.api.reassignments",
    ApiKey.LIST_PARTITION_REASSIGNMENTS: "minikafka.api.reassignments",
    ApiKey.ALTER_CLIENT_QUOTAS: "minikafka.api.client_quotas",
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: "minikafka.api.scram_credentials",
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: "minikafka.api.scram_credentials",
    ApiKey.VOTE: "minikafka.api.raft",
    ApiKey.BEGIN_QUORUM_EPOCH: "minikafka.api.raft",
    ApiKey.END_QUORUM_EPOCH: "minikafka.api.raft",
    ApiKey.DESCRIBE_QUORUM: "minikafka.api.quorum",
    ApiKey.ALTER_PARTITION: "minikafka.api.controller_requests",
    ApiKey.UPDATE_FEATURES: "minikafka.api.features",
    ApiKey.ENVELOPE: "minikafka.api.envelope",
    ApiKey.FETCH_SNAPSHOT: "minikafka.api.raft",
    ApiKey.DESCRIBE_CLUSTER: "minikafka.api.controller_cluster",
    ApiKey.BROKER_REGISTRATION: "minikafka.api.controller_requests",
    ApiKey.BROKER_HEARTBEAT: "minikafka.api.controller_requests",
    ApiKey.UNREGISTER_BROKER: "minikafka.api.brokers",
    ApiKey.ALLOCATE_PRODUCER_IDS: "minikafka.api.controller_requests",
    ApiKey.CONTROLLER_REGISTRATION: "minikafka.api.controller_requests",
    ApiKey.ASSIGN_REPLICAS_TO_DIRS: "minikafka.api.controller_requests",
    ApiKey.ADD_RAFT_VOTER: "minikafka.api.quorum",
    ApiKey.REMOVE_RAFT_VOTER: "minikafka.api.quorum",
    ApiKey.UPDATE_RAFT_VOTER: "minikafka.api.raft",
}
_registered: dict[tuple[ApiKey, str], tuple[Handler, Refusal, Shortcut | None]] = {}


def handles(
    key: ApiKey, *, refusal: Refusal = refuse_with_error_code, shortcut: Shortcut | None = None
) -> Callable[[Handler], Handler]:
    """Register the decorated function as its module's handler of `key`.

    `refusal(context, request, error)` makes the answer to a request that is refused as a whole. It
    may close the exchange instead and return None.

    `shortcut(services, exchange, frame, body position, version, correlation id)` sees the request
    first, undecoded; it serves it and returns True, or leaves everything as it was. If it fails
    otherwise, nobody knows what has happened, and the handler is not called.
    """

    def register(handler: Handler) -> Handler:
        place = key, handler.__module__
        assert place not in _registered, place
        _registered[place] = (handler, refusal, shortcut)
        return handler

    return register


def per_item(
    items: Iterable[Item],
    serve: Callable[[Item], Answer],
    refuse: Callable[[Item, KafkaError], Answer],
) -> list[Answer]:
    """Serve each element of a request by itself, so that one bad element fails alone."""
    answers = []
    for item in items:
        try:
            answers.append(serve(item))
        except KafkaError as error:
            answers.append(refuse(item, error))
    return answers


def served_apis(*, controller: bool = False) -> dict[ApiKey, tuple[int, int]]:
    """key -> advertised (min, max) version of every API served on such a listener, by key."""
    if controller:
        return {key: ADVERTISED_CONTROLLER[key] for key in sorted(SERVED_BY_CONTROLLER)}
    return {key: ADVERTISED_BROKER[key] for key in sorted(SERVED)}


class Dispatcher:
    """Serves the frames of one kind of listener: for clients, or for the quorum when its services
    are the controller's.
    """

    __slots__ = ("_advertised", "_make_context", "_modules", "apis", "services")

    def __init__(self, services: Services | ControllerServices) -> None:
        is_controller = isinstance(services, ControllerServices)
        self.services: Any = services
        self._advertised = served_apis(controller=is_controller)
        self._modules = SERVED_BY_CONTROLLER if is_controller else SERVED
        self._make_context: type[NodeContext] = (
            ControllerContext if is_controller else RequestContext
        )
        self.apis: dict[int, Api] = {}

    def serve(self, exchange: Exchange, frame: memoryview) -> None:
        """Decode and handle one request frame (without its size prefix).

        Raises `ProtocolError` for what Kafka answers by closing the connection.
        """
        if len(frame) < 10:
            raise ProtocolError(f"a request of {len(frame)} bytes has no header")
        key, version, correlation_id, name_size = _HEADER.unpack_from(frame)
        api = self.apis.get(key) or self._load(key)
        if not api.min_version <= version <= api.max_version:
            if key != ApiKey.API_VERSIONS:
                raise ProtocolError(f"{api.key.name} version {version} is not served")
            self._refuse_version(api, exchange, correlation_id)
            return
        codec = api.codecs.get(version) or api.codec(version)
        decode, encode, request_header, response_header = codec
        name_end = position = 10 if name_size == -1 else 10 + name_size
        if not 10 <= name_end <= len(frame):
            raise ProtocolError(f"a client id of {name_size} bytes does not fit its request")
        if request_header == 2:
            position = _skip_tags(frame, position)
        fault: Exception | None = None
        shortcut = api.shortcut
        if shortcut is not None:
            try:
                if shortcut(self.services, exchange, frame, position, version, correlation_id):
                    return
            except Exception as error:  # noqa: BLE001 -- supervision: answered below
                fault = error
        client_id = None if name_size == -1 else _client_id(frame, name_end)
        request, _ = decode(frame, position)
        context = self._make_context(
            self.services,
            exchange,
            api.key,
            version,
            correlation_id,
            client_id,
            response_header,
            encode,
        )
        self._handle(api, context, request, fault)

    def _handle(
        self, api: Api, context: NodeContext, request: Message, fault: Exception | None
    ) -> None:
        """Call the handler, unless a shortcut has failed with `fault`, and answer."""
        result: Result
        try:
            if fault is not None:
                raise fault
            result = api.handler(context, request)
        except Exception as error:
            if _is_clients_fault(error):
                raise
            result = refused(context, request, api.refusal, error)
        if result is None:
            return
        if isinstance(result, Message):
            _finish(api, context, request, result)
            return
        self.services.scope.spawn(
            self._await(api, context, request, result), f"serve {api.key.name}"
        )

    def _refuse_version(self, api: Api, exchange: Exchange, correlation_id: int) -> None:
        """ApiVersions, which must be answered in any version, in the body of version 0."""
        encode = api.codec(0)[1]
        context = self._make_context(
            self.services, exchange, api.key, 0, correlation_id, None, 0, encode
        )
        response = api.refusal(context, None, KafkaError(ErrorCode.UNSUPPORTED_VERSION))
        assert response is not None, "its refusal always answers"
        answer(context, response)

    def _load(self, key: int) -> Api:
        if key not in self._advertised:
            raise ProtocolError(f"api key {key} is not served here")
        name = ApiKey(key)
        api = self.apis[key] = Api(name, self._advertised[name], self._modules)
        return api

    async def _await(
        self,
        api: Api,
        context: NodeContext,
        request: Message,
        result: Awaitable[Message],
    ) -> None:
        response: Message | None
        try:
            response = await result
        except Exception as error:  # noqa: BLE001 -- supervision, see `refused`
            if _is_clients_fault(error):
                context.exchange.close(str(error))
                return
            response = refused(context, request, api.refusal, error)
        if response is not None:
            _finish(api, context, request, response)


def _is_clients_fault(error: Exception) -> bool:
    """Whether Kafka would close the connection: what the client sent cannot be understood. What we
    made and cannot be written is our own fault.
    """
    return isinstance(error, ProtocolError) and not isinstance(error, UnencodableMessage)


def _finish(api: Api, context: NodeContext, request: Message, response: Message) -> None:
    """Answer; with an error when `response` cannot be written in the version asked for."""
    try:
        answer(context, response)
    except ProtocolError as error:
        refusal = refused(context, request, api.refusal, error)
        if refusal is not None:
            answer(context, refusal)


def refused(
    context: NodeContext, request: Message | None, refusal: Refusal, error: Exception
) -> Message | None:
    """The answer to a request whose handler raised `error`; None when there is to be none."""
    if not isinstance(error, KafkaError):
        logger.error("%s v%d failed", context.api_key.name, context.version, exc_info=error)
        error = KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    return refusal(context, request, error)


def answer(context: NodeContext, response: Message) -> None:
    """Encode `response` and complete the exchange; file regions stay regions."""
    header = _CORRELATION.pack(context.correlation_id)
    parts: list[Any] = [header + b"\0" if context.response_header_version else header]
    context.encode(response, parts.append)
    context.exchange.answer(parts)


def _client_id(frame: memoryview, end: int) -> str:
    """The client id, which begins at offset 10."""
    try:
        return str(frame[10:end], "utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("the client id is not UTF-8") from error


def _skip_tags(frame: memoryview, position: int) -> int:
    """Position after the tagged fields of a request header v2; nobody defines any so far."""
    if position >= len(frame):
        raise ProtocolError("the request header ends before its tagged fields")
    if frame[position] == 0:
        return position + 1
    return _skip_unknown_tags(frame, position)


def _skip_unknown_tags(frame: memoryview, position: int) -> int:
    count, position = _uvarint(frame, position)
    for _ in range(count):
        _, position = _uvarint(frame, position)
        size, position = _uvarint(frame, position)
        position += size
        if position > len(frame):
            raise ProtocolError("a tagged field of the request header passes its end")
    return position


def _uvarint(frame: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 35:
        if position >= len(frame):
            raise ProtocolError("a varint of the request header passes its end")
        byte = frame[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ProtocolError("a varint of the request header is too long")
