"""A transport without a network: bytes go in where and as a test cuts them."""

import asyncio
from typing import Any

from minikafka.network.connection import Connection
from minikafka.network.server import Server


class Wire(asyncio.Transport):
    """One connection of `server`, driven by hand. Like a loop it reads only while not paused."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.connection = Connection(server, "WIRE")
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.paused = False
        self.closing = False
        self.connection.connection_made(self)

    def feed(self, data: bytes) -> None:
        """Bytes arrive, in one piece if the connection takes them so."""
        self.inbox += data
        self.read()

    def read(self) -> None:
        """Hand over what has arrived."""
        while self.inbox and not self.paused and not self.closing:
            buffer = self.connection.get_buffer(-1)
            assert len(buffer) > 0, "nowhere to read to, and reading is not paused"
            size = min(len(buffer), len(self.inbox))
            buffer[:size] = self.inbox[:size]
            del self.inbox[:size]
            del buffer
            self.connection.buffer_updated(size)

    def cut(self) -> None:
        """The connection is lost, now."""
        if not self.closing:
            self.closing = True
            self.connection.connection_lost(None)

    def pause_reading(self) -> None:
        assert not self.paused, "paused twice"
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused, "resumed twice"
        self.paused = False

    def write(self, data: Any) -> None:
        self.outbox += data

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever buffered."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("10.0.0.1", 1), "sockname": ("10.0.0.2", 9092)}.get(name, default)
