"""A broker as a process: its event loop, its signals, its log on stderr, its end.

SIGTERM and SIGINT stop it cleanly (a start that is still under way is given up); a second one, a
moment later, ends the process at once. What the operating system is asked for once in the life of a
process is asked here.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from minikafka import __version__
from minikafka.broker.banner import banner
from minikafka.broker.broker import Broker, StartError
from minikafka.runtime.clock import WallClock
from minikafka.runtime.entropy import random_source
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings

STOPPED, FAILED = 0, 1

#: objects that must be made before the collector looks at them: what a broker makes for a request
#: is gone with its answer, by reference counting alone
_YOUNG_OBJECTS = 50_000

#: `timeout`, some init processes and terminals send one wish twice, to the process and its group
_ONE_WISH_S = 0.2

_LOG = logging.getLogger("minikafka.broker")


def set_up_logging(level: str) -> None:
    """Lines on stderr as Kafka writes them: `[time] LEVEL text (logger)`."""
    logging.addLevelName(logging.WARNING, "WARN")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s %(message)s (%(name)s)"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def run_broker(
    settings: BrokerSettings, *, cluster_id: str | None, with_banner: bool, temporary: bool
) -> int:
    """Runs one broker until a signal or a failure ends it; returns the exit code."""
    with asyncio.Runner(loop_factory=_loop_factory(settings)) as runner:
        return runner.run(_serve(settings, cluster_id, with_banner, temporary))


def _loop_factory(settings: BrokerSettings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed and wanted; None stands for asyncio's own."""
    if not settings.minikafka_uvloop_enable:
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(
    settings: BrokerSettings, cluster_id: str | None, with_banner: bool, temporary: bool
) -> int:
    told_to_stop = _until_signal()
    broker = Broker(
        settings,
        cluster_id=cluster_id,
        disk=LocalDisk(),
        metadata_disk=LocalDisk("metadata"),
        wall_clock=WallClock(),
        random=random_source(),
    )
    try:
        if not await _start(broker, told_to_stop):
            return STOPPED
        _announce(broker, settings, with_banner, temporary)
        _settle()
        await asyncio.wait((told_to_stop, broker.failed), return_when=asyncio.FIRST_COMPLETED)
        if broker.failed.done():
            _LOG.critical("stops: %s", broker.failed.exception())
            return FAILED
        _LOG.info("stops on %s", signal.Signals(told_to_stop.result()).name)
        return STOPPED
    except StartError as error:
        sys.stderr.write(f"minikafka-broker: {error}\n")
        return FAILED
    finally:
        await broker.stop()
        _LOG.info("stopped")


def _until_signal() -> asyncio.Future[int]:
    """Done with the number of the first SIGTERM or SIGINT; the second one ends the process."""
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()
    first_at_s = 0.0

    def on_signal(number: int) -> None:
        nonlocal first_at_s
        if not first.done():
            first_at_s = loop.time()
            first.set_result(number)
        elif loop.time() - first_at_s >= _ONE_WISH_S:
            os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return first


async def _start(broker: Broker, told_to_stop: asyncio.Future[int]) -> bool:
    """Whether the broker stands; False when a signal came first and the start was given up."""
    starting = asyncio.get_running_loop().create_task(broker.start(), name="start")
    await asyncio.wait((starting, told_to_stop), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait((starting,))
        return False
    await starting
    return True


def _announce(broker: Broker, settings: BrokerSettings, with_banner: bool, temporary: bool) -> None:
    _LOG.info("minikafka %s started, pid %d", __version__, os.getpid())
    if with_banner:
        names = {listener.name for listener in settings.broker_listeners()}
        clients = [address for address in broker.addresses if address[0] in names]
        sys.stdout.write(banner(clients, settings.log_dirs, temporary=temporary) + "\n")
        sys.stdout.flush()


def _settle() -> None:
    """What stands after the start stands for good: the collector need not look at it again."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
    gc.enable()
