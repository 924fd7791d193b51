"""The raw client: blocking sockets, frames prepared beforehand, answers checked at fixed places.

It does as little as a client can, so that the broker is what is measured. Its own CPU time is
reported beside the broker's.
"""

import select
import socket
import struct
import time
from typing import NamedTuple

from bench.frames import (
    FETCH_ERROR_AT,
    FETCH_PARTITION_ERROR_AT,
    FETCH_RECORDS_AT,
    Fetch,
    Produce,
)

_PATIENCE_S = 60
_NO_ERROR = b"\0\0"


class BrokerAnswer(Exception):
    """An answer that is no success; a benchmark of failures would be fast and worthless."""


def connect(host: str, port: int, *, receive_buffer_bytes: int | None = None) -> socket.socket:
    """A plainly blocking connection: a large `sendmsg` returns when all of it is handed over."""
    connection = socket.socket()
    if receive_buffer_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    patience = struct.pack("@ll", _PATIENCE_S, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
    connection.connect((host, port))
    return connection


def _send(connection: socket.socket, frames: list[bytes]) -> None:
    wanted = sum(map(len, frames))
    if (sent := connection.sendmsg(frames)) != wanted:
        raise BrokerAnswer(f"the broker took {sent} of {wanted} bytes within {_PATIENCE_S} s")


def _receive(connection: socket.socket, into: memoryview) -> None:
    filled = 0
    while filled < len(into):
        size = connection.recv_into(into[filled:], 0, socket.MSG_WAITALL)
        if size == 0:
            raise BrokerAnswer("the broker closed the connection")
        filled += size


def produce_pipelined(
    connection: socket.socket, produce: Produce, count: int, in_flight: int
) -> None:
    """Send the request `count` times with at most `in_flight` of them unanswered."""
    frame, size, error_at = produce.frame, produce.answer_bytes, produce.error_at
    buffer = bytearray(size * in_flight)
    view = memoryview(buffer)
    _send(connection, [frame] * min(in_flight, count))
    to_send = count - min(in_flight, count)
    answered = filled = 0
    while answered < count:
        received = connection.recv_into(view[filled:])
        if received == 0:
            raise BrokerAnswer("the broker closed the connection")
        filled += received
        whole = filled // size
        for start in range(0, whole * size, size):
            _check_produced(buffer, start, size, error_at)
        rest = filled - whole * size
        buffer[:rest] = buffer[whole * size : filled]
        filled = rest
        answered += whole
        if more := min(whole, to_send):
            _send(connection, [frame] * more)
            to_send -= more


def _check_produced(buffer: bytearray, start: int, size: int, error_at: int) -> None:
    (announced,) = struct.unpack_from(">i", buffer, start)
    error = buffer[start + error_at : start + error_at + 2]
    if error != _NO_ERROR or announced != size - 4:
        raise BrokerAnswer(
            f"Produce: error {int.from_bytes(error, signed=True)}, {announced} bytes"
        )


def produce_one_at_a_time(connection: socket.socket, produce: Produce, count: int) -> list[float]:
    """Send, wait for the acknowledgement, send the next; returns each wait in milliseconds."""
    frame, size, error_at = produce.frame, produce.answer_bytes, produce.error_at
    answer = bytearray(size)
    view = memoryview(answer)
    clock = time.perf_counter_ns
    waits = []
    for _ in range(count):
        sent_at = clock()
        connection.sendall(frame)
        _receive(connection, view)
        waits.append((clock() - sent_at) / 1e6)
        _check_produced(answer, 0, size, error_at)
    return waits


def produce_from_many(connections: list[socket.socket], produce: Produce, count: int) -> None:
    """`count` requests in all over many connections, one unanswered request on each."""
    frame, size, error_at = produce.frame, produce.answer_bytes, produce.error_at
    answer = bytearray(size)
    view = memoryview(answer)
    by_fd = {connection.fileno(): connection for connection in connections}
    poll = select.epoll()
    for connection in connections:
        poll.register(connection, select.EPOLLIN)
        connection.sendall(frame)
    to_send, outstanding = count - len(connections), len(connections)
    while outstanding:
        ready = poll.poll(_PATIENCE_S)
        if not ready:
            raise BrokerAnswer(f"no answer within {_PATIENCE_S} s")
        for fd, _ in ready:
            connection = by_fd[fd]
            _receive(connection, view)
            _check_produced(answer, 0, size, error_at)
            if to_send > 0:
                connection.send(frame)
                to_send -= 1
            else:
                outstanding -= 1
    poll.close()


class Fetched(NamedTuple):
    requests: int
    batch_bytes: int


def fetch_log(
    connection: socket.socket,
    fetch: Fetch,
    produce: Produce,
    end_offset: int,
    total_bytes: int,
    in_flight: int,
) -> Fetched:
    """Read the log from its start, over and over, until `total_bytes` of whole batches came.

    The log holds nothing but copies of `produce`'s batch, so what a full answer holds is known and
    further fetches may be under way before it has come.
    """
    buffer = bytearray(fetch.max_bytes + (2 << 20))  # The first batch always comes whole.
    view = memoryview(buffer)
    batches = max(1, fetch.max_bytes // produce.batch_bytes)
    step = batches * produce.record_count
    last = end_offset - step
    count = -(-total_bytes // (batches * produce.batch_bytes))
    offset = 0
    for _ in range(min(in_flight, count)):
        connection.sendall(fetch.at(offset))
        offset = offset + step if offset + step <= last else 0
    for number in range(count):
        _receive(connection, view[:4])
        (size,) = struct.unpack_from(">i", buffer)
        answer = view[:size]
        _receive(connection, answer)
        if number + in_flight < count:
            connection.sendall(fetch.at(offset))
            offset = offset + step if offset + step <= last else 0
        if _records_bytes(answer) // produce.batch_bytes != batches:
            raise BrokerAnswer(f"Fetch: {_records_bytes(answer)} bytes are not {batches} batches")
    return Fetched(count, count * batches * produce.batch_bytes)


def _records_bytes(answer: memoryview) -> int:
    top = answer[FETCH_ERROR_AT : FETCH_ERROR_AT + 2]
    error = answer[FETCH_PARTITION_ERROR_AT : FETCH_PARTITION_ERROR_AT + 2]
    if top != _NO_ERROR or error != _NO_ERROR:
        raise BrokerAnswer(f"Fetch: errors {top.hex()} and {error.hex()}")
    size = shift = 0
    at = FETCH_RECORDS_AT
    while answer[at] & 0x80:
        size |= (answer[at] & 0x7F) << shift
        shift += 7
        at += 1
    size |= answer[at] << shift
    if size <= 1:
        raise BrokerAnswer("Fetch: no records where the log has some")
    return size - 1
