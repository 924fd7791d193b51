"""Processes that are started together, started again when they die, and stopped together.

A broker is told to say on its standard output when it is ready (`--banner`); what it says otherwise
goes to its own file. It runs in a session of its own: Ctrl-C at the terminal reaches the supervisor
alone, which then stops the brokers in order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from minikafka.cli.exits import FAILED, OK, USAGE

_WRONG_SETTINGS: Final = USAGE
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 10.0
#: who has lived this long dies of something new
_STEADY_S: Final = 10.0
#: from the first signal until what still runs is killed
_STOP_S: Final = 30.0
_TAIL_LINES: Final = 5


class Supervised:
    """One broker: how it is started, and how its present process is doing."""

    def __init__(self, node_id: int, address: str, command: Sequence[str], output: str) -> None:
        self.node_id = node_id
        self.address = address
        self.output = output
        self.ready = False
        self.was_ready = False
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.delay_s = 0.0
        self._command = list(command)

    def start(self) -> None:
        """Start the process; its standard output is a pipe on which it says that it is ready."""
        with open(self.output, "ab") as output:  # noqa: PTH123  # a name from the command line
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        self.ready = False

    @property
    def said(self) -> int:
        """The file descriptor of its standard output."""
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def buried(self) -> int | None:
        """The exit code once the process has ended, forgetting it; None while it runs."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def tail(self) -> str:
        """The last it has written."""
        with open(self.output, encoding="utf-8", errors="replace") as output:  # noqa: PTH123
            return "".join(output.readlines()[-_TAIL_LINES:])


class Supervisor:
    """Runs brokers until it is told to stop; `run` gives the exit code."""

    def __init__(self, brokers: Sequence[Supervised], place: str) -> None:
        self._brokers = list(brokers)
        self._place = place
        self._stopping = False
        self._code = OK
        self._announced = False

    def run(self) -> int:
        """Until a signal, or until it turns out that the brokers cannot start."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_signal_handler(signal.SIGCHLD, self._on_death)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._on_signal)
        for broker in self._brokers:
            self._start(broker)
        try:
            await self._ended
        finally:
            self._kill()
        return self._code

    def _start(self, broker: Supervised) -> None:
        if self._stopping:
            return
        broker.start()
        broker.started_s = self._loop.time()
        self._loop.add_reader(broker.said, self._on_output, broker, broker.said)

    def _on_output(self, broker: Supervised, descriptor: int) -> None:
        if not os.read(descriptor, 65_536):
            self._loop.remove_reader(descriptor)
            return
        if broker.ready:
            return  # The rest of the banner.
        broker.ready = True
        if broker.was_ready and self._announced:
            self._tell(f"broker {broker.node_id} is back")
        broker.was_ready = True
        if not self._announced and all(each.ready for each in self._brokers):
            self._announced = True
            addresses = ",".join(each.address for each in self._brokers)
            count = len(self._brokers)
            what = f"{count} brokers listen" if count > 1 else "1 broker listens"
            sys.stdout.write(
                f"minikafka: {what} on {addresses}; data in {self._place}. Ctrl-C stops all.\n"
            )
            sys.stdout.flush()

    def _on_death(self) -> None:
        for broker in self._brokers:
            if broker.process is None:
                continue
            descriptor = broker.said
            pid = broker.process.pid
            # The end of its output need not have been read yet.
            if broker.process.poll() is not None:
                self._loop.remove_reader(descriptor)
                code = broker.buried()
                assert code is not None
                self._died(broker, pid, code)
        if self._stopping and all(broker.process is None for broker in self._brokers):
            self._end()

    def _died(self, broker: Supervised, pid: int, code: int) -> None:
        if self._stopping:
            return
        how = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with code {code}"
        who = f"broker {broker.node_id} (pid {pid}) {how}"
        if code == _WRONG_SETTINGS or not broker.was_ready:
            self._tell(f"{who}; {broker.output} ends with\n{broker.tail()}")
            self._code = USAGE if code == _WRONG_SETTINGS else FAILED
            self._stop()
            return
        lived_s = self._loop.time() - broker.started_s
        if lived_s >= _STEADY_S:
            broker.delay_s = 0.0
        self._tell(f"{who}; starts again" + (f" in {broker.delay_s} s" if broker.delay_s else ""))
        self._loop.call_later(broker.delay_s, self._start, broker)
        broker.delay_s = min(max(_FIRST_DELAY_S, broker.delay_s * 2), _LONGEST_DELAY_S)

    def _on_signal(self) -> None:
        if self._stopping:
            self._kill()
        else:
            self._stop()

    def _stop(self) -> None:
        """Tell all of them to stop; each hands over what it leads first."""
        self._stopping = True
        for broker in self._brokers:
            if broker.process is not None:
                broker.process.terminate()
        self._loop.call_later(_STOP_S, self._kill)
        if all(broker.process is None for broker in self._brokers):
            self._end()

    def _kill(self) -> None:
        for broker in self._brokers:
            if broker.process is not None:
                broker.process.kill()

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _tell(self, what: str) -> None:
        sys.stderr.write(f"minikafka up: {what}\n")
        sys.stderr.flush()


def _signal_name(number: int) -> str:
    return signal.Signals(number).name
