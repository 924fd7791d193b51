"""The frame of the admin tools: connect, run the subcommand, print what it found."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable, Mapping

from minikafka.cli.client_configs import ADMIN, client_arguments
from minikafka.cli.exits import UsageError
from minikafka.cli.running import connected, run_async
from minikafka_client import Admin, TopicPartition

Action = Callable[[Admin, Namespace], Awaitable[int]]


def run_admin(options: Namespace, actions: Mapping[str, Action]) -> int:
    """Run the action that was asked for."""
    arguments = client_arguments(options.configs, ADMIN)
    bootstrap = arguments.pop("bootstrap", options.bootstrap_server)

    async def work() -> int:
        async with connected(Admin(bootstrap, **arguments), bootstrap) as admin:
            return await actions[options.action](admin, options)

    return run_async(work())


def key_values(words: Iterable[str], option: str) -> dict[str, str]:
    """`key=value` words. UsageError."""
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} wants key=value, not {word!r}")
        found[key] = value
    return found


async def places_named(admin: Admin, words: Iterable[str]) -> list[TopicPartition]:
    """The partitions of `TOPIC` or `TOPIC:1,2`, each once. Raises BrokerError, UsageError."""
    found: dict[TopicPartition, None] = {}
    for word in words:
        topic, colon, numbers = word.partition(":")
        there = list((await admin.describe_topic(topic)).partitions)
        if colon and not all(number.isdecimal() for number in numbers.split(",")):
            raise UsageError(f"--topic {word}: TOPIC or TOPIC:1,2")
        wanted = [int(number) for number in numbers.split(",")] if colon else there
        for partition in wanted:
            if partition not in there:
                raise UsageError(f"{topic} has no partition {partition}")
            found[TopicPartition(topic, partition)] = None
    return list(found)
