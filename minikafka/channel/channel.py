"""One connection to a broker: requests out in order, answers back in the same order.

`open_channel` connects and learns which versions the broker speaks (KIP-511). Then many requests
may be in flight: a broker answers them one after the other, so an answer belongs to the oldest
request, and its correlation id must say so. When the oldest is not answered in time, nothing behind
it will be: the channel closes, and its owner connects again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final, TypeVar

from minikafka.channel.errors import (
    ChannelError,
    ConnectFailed,
    ConnectionLost,
    RequestTimedOut,
    UnsupportedApi,
    is_refusal,
)
from minikafka.channel.receiving import FrameReceiver
from minikafka.protocol.apis import ApiKey, first_flexible, response_header_version, valid_versions
from minikafka.protocol.codec import decode, decoder, encode_parts
from minikafka.protocol.errors import ErrorCode, MalformedMessage, ProtocolError, error_code
from minikafka.protocol.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from minikafka.protocol.types import Buffer, Message

R = TypeVar("R", bound=Message)

Deliver = Callable[[Buffer | None, int, ChannelError | None], None]
"""Called once per request: (frame, where the body begins, None), or (None, 0, what went wrong)."""

_request_head = Struct(">ihhi")
_HEAD_BEHIND_SIZE: Final = _request_head.size - 4
_correlation = Struct(">i").unpack_from
_code = Struct(">h").unpack_from
_client_id_length = Struct(">h")
_CORRELATION_IDS: Final = 1 << 31
_JOINED_BELOW_BYTES: Final = 4096  # copying is cheaper than handing over several pieces
_TIMER_SLACK_S: Final = 0.001  # loops fire timers up to a millisecond early


class _InFlight:
    """A request that waits for its answer."""

    __slots__ = ("api_key", "correlation_id", "deadline", "deliver", "header_bytes")

    def __init__(
        self,
        api_key: int,
        correlation_id: int,
        header_bytes: int,
        deadline: float,
        deliver: Deliver,
    ) -> None:
        self.api_key = api_key
        self.correlation_id = correlation_id
        self.header_bytes = header_bytes
        self.deadline = deadline
        self.deliver = deliver


class Channel(FrameReceiver):
    """A connection; use `open_channel`. `closed` tells for what reason it is over, if it is."""

    __slots__ = (
        "_agreed",
        "_client_id",
        "_correlation_id",
        "_in_flight",
        "_loop",
        "_shapes",
        "_timer",
        "_transport",
        "_versions",
        "address",
        "closed",
        "on_close",
        "supported_features",
    )

    _transport: asyncio.Transport

    def __init__(self, address: tuple[str, int], client_id: str | None) -> None:
        super().__init__()
        self.address = address
        self.closed: ChannelError | None = None
        self.on_close: Callable[[ChannelError], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._in_flight: deque[_InFlight] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._correlation_id = 0
        self._versions: dict[int, tuple[int, int]] = {}
        self.supported_features: dict[str, tuple[int, int]] = {}
        self._agreed: dict[tuple[int, int | None], int] = {}
        self._shapes: dict[tuple[int, int], tuple[bytes, int]] = {}
        name = client_id.encode() if client_id is not None else b""
        length = len(name) if client_id is not None else -1
        self._client_id = _client_id_length.pack(length) + name

    # --- what the owner calls

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answers."""
        return len(self._in_flight)

    def version_of(self, api_key: int, at_most: int | None = None) -> int:
        """The highest version that both sides speak. Raises UnsupportedApi."""
        version = self._agreed.get((api_key, at_most))
        if version is None:
            version = self._agreed[api_key, at_most] = self._agree(api_key, at_most)
        return version

    def _agree(self, api_key: int, at_most: int | None) -> int:
        first, last = valid_versions(api_key)
        if at_most is not None:
            last = min(last, at_most)
        theirs = self._versions.get(api_key)
        if theirs is None or min(last, theirs[1]) < max(first, theirs[0]):
            raise UnsupportedApi(
                f"{_where(self.address)} speaks {ApiKey(api_key).name} in versions {theirs}, "
                f"we in {first} to {last}"
            )
        return min(last, theirs[1])

    async def call(
        self, request: Message, response: type[R], timeout_s: float, *, at_most: int | None = None
    ) -> R:
        """The answer to a request, decoded. `at_most` bounds the version of the api used.

        Raises ChannelError; an answer that is none closes the channel (ConnectionLost).
        """
        version = self.version_of(request.api_key, at_most)
        return await self.call_version(request, response, version, timeout_s)

    async def call_version(
        self, request: Message, response: type[R], version: int, timeout_s: float
    ) -> R:
        """As `call`, in a given version that nobody has to have agreed to."""
        body = encode_parts(request, version)
        return await self.call_encoded(request.api_key, version, body, response, timeout_s)

    def call_encoded(
        self,
        api_key: int,
        version: int,
        body: Sequence[Buffer],
        response: type[R],
        timeout_s: float,
    ) -> asyncio.Future[R]:
        """The answer to a request whose body is encoded already; raises as `call`."""
        future: asyncio.Future[R] = self._loop.create_future()
        read = decoder(response, version)

        def deliver(frame: Buffer | None, position: int, failure: ChannelError | None) -> None:
            if future.done():
                return  # who asked has been cancelled
            if frame is None:
                assert failure is not None
                future.set_exception(failure)
            else:
                future.set_result(read(frame, position)[0])

        self.submit(api_key, version, body, timeout_s, deliver)
        return future

    def submit(
        self,
        api_key: int,
        version: int,
        body: Sequence[Buffer],
        timeout_s: float,
        deliver: Deliver | None,
    ) -> None:
        """Send a request whose body is encoded already. `deliver` None: there is no answer to it.

        Raises the reason, and sends nothing, when the channel is closed.
        """
        if self.closed is not None:
            raise self.closed
        self._correlation_id = correlation_id = (self._correlation_id + 1) % _CORRELATION_IDS
        shape = self._shapes.get((api_key, version))
        if shape is None:
            shape = self._shapes[api_key, version] = self._shape(api_key, version)
        tail, header_bytes = shape
        size = _HEAD_BEHIND_SIZE + len(tail) + sum(map(len, body))
        head = _request_head.pack(size, api_key, version, correlation_id)
        if deliver is not None:
            deadline = self._loop.time() + timeout_s
            self._in_flight.append(
                _InFlight(api_key, correlation_id, header_bytes, deadline, deliver)
            )
            if self._timer is None or self._timer.when() > deadline:
                self._arm(deadline)
        if size < _JOINED_BELOW_BYTES:
            self._transport.write(b"".join((head, tail, *body)))
        else:
            self._transport.writelines([head + tail, *body])

    def _shape(self, api_key: int, version: int) -> tuple[bytes, int]:
        """(what follows the correlation id in requests, the bytes of the responses' header)."""
        tail = self._client_id
        if version >= first_flexible(api_key):
            tail += b"\x00"
        return tail, 5 if response_header_version(api_key, version) else 4

    def close(self, reason: str = "closed by us") -> None:
        """End the connection; requests in flight fail with ConnectionLost. Takes no time."""
        self._end(ConnectionLost(f"{_where(self.address)}: {reason}"))

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport  # type: ignore[assignment]  # a TCP transport is a Transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop, once, whoever closed the connection."""
        self._end(ConnectionLost(f"{_where(self.address)}: {exc or 'closed by the broker'}"))

    def eof_received(self) -> None:
        """Called by the loop; the transport closes itself then."""

    def frame_received(self, frame: Buffer) -> None:
        """An answer: the oldest request's."""
        if self.closed is not None:
            return
        if not self._in_flight or len(frame) < 4:
            self.receiving_failed(MalformedMessage("an answer that nobody waits for"))
            return
        oldest = self._in_flight[0]
        if _correlation(frame)[0] != oldest.correlation_id:
            self.receiving_failed(MalformedMessage("an answer to another request"))
            return
        position = oldest.header_bytes
        if position == 5 and frame[4]:
            self.receiving_failed(MalformedMessage("tags in a response header"))
            return
        self._in_flight.popleft()
        try:
            oldest.deliver(frame, position, None)
        except ProtocolError as error:
            lost = ConnectionLost(f"{_where(self.address)}: {ApiKey(oldest.api_key).name}: {error}")
            oldest.deliver(None, 0, lost)
            self._end(lost)

    def receiving_failed(self, reason: MalformedMessage) -> None:
        """The peer speaks something else: nothing after this can be understood."""
        self._end(ConnectionLost(f"{_where(self.address)}: {reason}"))

    # --- inside

    def adopt_versions(self, answer: ApiVersionsResponse) -> None:
        """Remember what the broker has told about its versions."""
        self._versions = {
            each.api_key: (each.min_version, each.max_version) for each in answer.api_keys
        }
        self.supported_features = {
            each.name: (each.min_version, each.max_version) for each in answer.supported_features
        }
        self._agreed.clear()

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._time_passed)

    def _time_passed(self) -> None:
        """One timer for all requests: set to the earliest deadline known when it was set."""
        self._timer = None
        if not self._in_flight:
            return
        earliest = min(self._in_flight, key=_deadline)
        if earliest.deadline <= self._loop.time() + _TIMER_SLACK_S:
            name = ApiKey(earliest.api_key).name
            self._end(RequestTimedOut(f"{_where(self.address)}: no answer to {name} in time"))
        else:
            self._arm(earliest.deadline)

    def _end(self, reason: ChannelError) -> None:
        if self.closed is not None:
            return
        self.closed = reason
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()
        waiting, self._in_flight = self._in_flight, deque()
        for request in waiting:
            request.deliver(None, 0, reason)
        if self.on_close is not None:
            self.on_close(reason)


async def open_channel(
    host: str,
    port: int,
    *,
    client_id: str | None,
    timeout_s: float,
    software: tuple[str, str] = ("minikafka", "1"),
    ssl: Any = None,
) -> Channel:
    """Connect and agree on versions, both within `timeout_s`. Raises ConnectFailed.

    `software` is the client's name and version as the broker shall know them (KIP-511); `ssl` is an
    ssl.SSLContext.
    """
    loop = asyncio.get_running_loop()
    address = (host, port)
    channel: Channel | None = None
    try:
        async with asyncio.timeout(timeout_s):
            _, channel = await loop.create_connection(
                lambda: Channel(address, client_id), host, port, ssl=ssl
            )
            await _agree_on_versions(channel, software, timeout_s)
    except TimeoutError:
        _give_up(channel)
        raise ConnectFailed(f"{_where(address)}: no connection in {timeout_s:g} s") from None
    except (OSError, ChannelError) as error:
        _give_up(channel)
        refused = isinstance(error, OSError) and is_refusal(error)
        raise ConnectFailed(f"{_where(address)}: {error}", refused=refused) from error
    except BaseException:
        _give_up(channel)
        raise
    return channel


async def _agree_on_versions(channel: Channel, software: tuple[str, str], timeout_s: float) -> None:
    request = ApiVersionsRequest(
        client_software_name=software[0], client_software_version=software[1]
    )
    version = valid_versions(ApiKey.API_VERSIONS)[1]
    answer = await _api_versions(channel, request, version, timeout_s)
    if answer.error_code == ErrorCode.UNSUPPORTED_VERSION:
        theirs = [each for each in answer.api_keys if each.api_key == ApiKey.API_VERSIONS]
        version = min(version, theirs[0].max_version) if theirs else 0
        answer = await _api_versions(channel, request, version, timeout_s)
    if answer.error_code:
        raise ConnectFailed(f"ApiVersions: {error_code(answer.error_code).name}")
    channel.adopt_versions(answer)


async def _api_versions(
    channel: Channel, request: ApiVersionsRequest, version: int, timeout_s: float
) -> ApiVersionsResponse:
    """The answer; a refusal of the version comes in version 0, whatever was asked for (KIP-511)."""
    future: asyncio.Future[ApiVersionsResponse] = asyncio.get_running_loop().create_future()

    def deliver(frame: Buffer | None, position: int, failure: ChannelError | None) -> None:
        if future.done():
            return
        if frame is None:
            assert failure is not None
            future.set_exception(failure)
            return
        refused = (
            len(frame) - position >= 2
            and _code(frame, position)[0] == ErrorCode.UNSUPPORTED_VERSION
        )
        spoken = 0 if refused else version
        future.set_result(decode(ApiVersionsResponse, spoken, frame, position)[0])

    body = encode_parts(request, version)
    channel.submit(ApiKey.API_VERSIONS, version, body, timeout_s, deliver)
    return await future


def _give_up(channel: Channel | None) -> None:
    if channel is not None:
        channel.close("not opened")


def _where(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _deadline(request: _InFlight) -> float:
    return request.deadline
