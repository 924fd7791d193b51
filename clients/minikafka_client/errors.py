"""What the client raises. `retriable` tells whether the same call may succeed later.

    Exception
    └── ClientError
        ├── ConfigError            an argument that cannot be; also a ValueError
        ├── BrokerError            the broker answered with an error code (`.code`)
        │   └── OffsetOutOfRange   no such offset, and the reset policy is "error"
        ├── NotConnected           no broker, or not the one that is needed, could be reached
        ├── Timeout                no answer within the call's timeout; also a TimeoutError
        │   └── DeliveryTimeout    a record not acknowledged within delivery_timeout_ms
        ├── BufferFull             more unsent bytes than buffer_bytes: await `ready()` first
        ├── CorruptData            a batch whose CRC or contents are wrong
        └── Closed                 the client is closed, or was while the call waited

A record whose delivery timed out, or whose producer was closed, may still have been written.
"""

from __future__ import annotations

from minikafka.protocol.errors import ErrorCode, error_code


class ClientError(Exception):
    """Everything below comes from the client."""

    retriable = False


class ConfigError(ClientError, ValueError):
    """An argument that cannot be."""


class BrokerError(ClientError):
    """An error code of the broker's, with Kafka's text for it or the broker's own."""

    def __init__(self, code: int, where: str = "", message: str | None = None) -> None:
        self.code: ErrorCode = error_code(code)
        self.message = message or self.code.message
        self.where = where
        super().__init__(f"{where}: {self.code.name}: {self.message}".removeprefix(": "))

    @property
    def retriable(self) -> bool:  # type: ignore[override]  # depends on the code here
        """Whether Kafka's clients would try again."""
        return self.code.retriable


class OffsetOutOfRange(BrokerError):
    """The position is outside of the partition's log."""


class NotConnected(ClientError):
    """A broker that is needed could not be reached."""

    retriable = True


class Timeout(ClientError, TimeoutError):
    """The call's timeout is over."""

    retriable = True


class DeliveryTimeout(Timeout):
    """A record has not been acknowledged in time; whether it was written is unknown."""


class BufferFull(ClientError):
    """The producer holds as many bytes as it may."""

    retriable = True


class CorruptData(ClientError):
    """A broker has sent a batch that is damaged."""


class Closed(ClientError):
    """The client is closed."""
