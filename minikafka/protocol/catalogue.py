"""All message classes by name, for tools and tests: importing every schema takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from minikafka.protocol import messages, records
from minikafka.protocol.headers import RequestHeader, ResponseHeader
from minikafka.protocol.types import Message


def message_classes() -> dict[str, type[Message]]:
    """Every request, response, header, record and other message of the protocol by its name."""
    found: dict[str, type[Message]] = {cls.__name__: cls for cls in (RequestHeader, ResponseHeader)}
    for package in (messages, records):
        for module in walk_packages(package.__path__, package.__name__ + "."):
            if not module.ispkg:
                for cls in _defined_in(module.name):
                    assert cls.__name__ not in found, f"two schemas are named {cls.__name__}"
                    found[cls.__name__] = cls
    return found


def _defined_in(module_name: str) -> Iterator[type[Message]]:
    for value in vars(import_module(module_name)).values():
        if isinstance(value, type) and issubclass(value, Message) and value is not Message:
            yield value
