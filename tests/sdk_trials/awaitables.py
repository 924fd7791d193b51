"""What of the SDK can be awaited, found by looking at it: nobody has to remember a list."""

import inspect
from typing import Any

import minikafka_client

PROTOCOL = ("__aenter__", "__aexit__", "__aiter__", "__await__")


def public_awaitables() -> set[str]:
    """`Class.method` for all of the public classes that can be awaited, iterated or entered."""
    found = set()
    for name in minikafka_client.__all__:
        cls = getattr(minikafka_client, name)
        if not inspect.isclass(cls):
            continue
        for member in dir(cls):
            public = not member.startswith("_") or member in PROTOCOL
            if public and _is_awaitable(member, getattr(cls, member)):
                found.add(f"{name}.{member}")
    return found


def _is_awaitable(name: str, member: Any) -> bool:
    if (
        name in PROTOCOL
        or inspect.iscoroutinefunction(member)
        or inspect.isasyncgenfunction(member)
    ):
        return True
    if not inspect.isfunction(member):
        return False
    returned = inspect.signature(member, eval_str=True).return_annotation
    return hasattr(returned, "__await__") or hasattr(returned, "__aiter__")
