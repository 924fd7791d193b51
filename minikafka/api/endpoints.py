"""Where a client is told to find a broker: the address of the listener that it came in by.

A listener that names no host (`PLAINTEXT://:9092`) and is not advertised anywhere has no address
that is right for everybody: one client came over the loopback, another through a bridge. Such a
broker tells each client, about itself, the address by which that client reached it. What others
are told about this broker is what it registered with the controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minikafka.api.context import RequestContext
    from minikafka.metadata.image import BrokerImage

Address = tuple[str, int]
"""(host, port)"""

_ALL_INTERFACES = ("", "0.0.0.0", "::")
_MAPPED_IPV4 = "::ffff:"


def endpoint_for(context: RequestContext, broker: BrokerImage) -> Address | None:
    """Where the client of this request reaches `broker`; None when it lacks the listener."""
    if broker.broker_id == context.services.node_id and _names_no_host(context):
        return _plain(context.local_address)
    endpoint = broker.endpoint(context.listener)
    return None if endpoint is None else (endpoint.host, endpoint.port)


def _names_no_host(context: RequestContext) -> bool:
    settings = context.services.settings
    if settings.advertised_listeners:
        return False
    return any(
        listener.name == context.listener and listener.host in _ALL_INTERFACES
        for listener in settings.listeners
    )


def _plain(address: Address) -> Address:
    """A dual-stack socket sees IPv4 clients by mapped addresses, which IPv4 hosts cannot dial."""
    host, port = address
    return host.removeprefix(_MAPPED_IPV4), port
