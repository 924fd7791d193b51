"""Why a request over a channel has no answer.

    Exception
    └── ChannelError
        ├── ConnectFailed      nobody listens, or not in time, or no Kafka broker
        ├── ConnectionLost     closed by the peer or by us while the answer was awaited
        ├── RequestTimedOut    no answer in time; the channel is closed, for what follows waits too
        └── UnsupportedApi     the broker and we have no version of this api in common

All but the last may succeed when tried again (`retriable`). Whether a lost request has taken effect
at the broker is unknown.
"""

from __future__ import annotations

from errno import ECONNREFUSED


class ChannelError(Exception):
    """A request that got no answer."""

    retriable = True


class ConnectFailed(ChannelError):
    """No connection to the broker came about.

    `refused`: its machine says that nobody listens there, which a broken network never says.
    """

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class ConnectionLost(ChannelError):
    """The connection ended before the answer came."""


class RequestTimedOut(ChannelError):
    """The answer did not come within the request's timeout."""


class UnsupportedApi(ChannelError):
    """The broker lacks the api, or every version of it that we speak."""

    retriable = False


def is_refusal(error: OSError) -> bool:
    """Whether every address of a host has refused the connection.

    For a host with several addresses loops raise one error without a number, which quotes them all.
    """
    if error.errno is not None or isinstance(error, ConnectionRefusedError):
        return error.errno == ECONNREFUSED
    text = str(error)
    return 0 < text.count("[Errno ") == text.count(f"[Errno {ECONNREFUSED}]")
