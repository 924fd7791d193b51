"""Runs a tool's coroutine: signals cancel it, so that clients close in order; errors get a code."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from minikafka.cli.exits import ToolError, UsageError
from minikafka.records.errors import MissingExtraError
from minikafka_client import Admin, Consumer, Producer
from minikafka_client.errors import ClientError, ConfigError, NotConnected, Timeout

C = TypeVar("C", Admin, Consumer, Producer)


@asynccontextmanager
async def connected(client: C, bootstrap: str) -> AsyncIterator[C]:
    """Start the client and close it afterwards. ToolError when nobody answers."""
    try:
        await client.start()
    except (NotConnected, Timeout) as error:
        raise ToolError(f"no broker answers at {bootstrap} ({error})") from error
    try:
        yield client
    finally:
        await client.close()


def run_async(work: Coroutine[Any, Any, int]) -> int:
    """The exit code; 128 + signal after SIGINT and SIGTERM. ToolError for what a client raises."""
    try:
        return asyncio.run(_until_signalled(work))
    except ConfigError as error:
        raise UsageError(str(error)) from error
    except (ClientError, MissingExtraError) as error:
        raise ToolError(str(error)) from error


async def _until_signalled(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.current_task()
    assert task is not None, "run as a task"
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await work
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]
