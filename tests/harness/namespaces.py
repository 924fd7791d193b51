"""Hosts of one machine: network namespaces around a router that drops what it is told to.

Made with iproute2, as root. A rule of the router drops the packets from one host to another without
a word and lets the other direction pass, so a partition may be one-way or two-way.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from typing import Self


def available() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Network:
    """`hosts`: addresses of `count` namespaces; `outside` is where this process itself is."""

    def __init__(self, count: int) -> None:
        self._name = f"mk{os.getpid()}-{secrets.token_hex(2)}"
        self._prefix = f"10.{secrets.choice(range(100, 250))}"
        self._count = count
        self._dropped: list[tuple[str, str]] = []
        self._router = f"{self._name}-r"

    @property
    def outside(self) -> str:
        return f"{self._prefix}.0.2"

    @property
    def hosts(self) -> list[str]:
        return [f"{self._prefix}.{number}.2" for number in range(1, self._count + 1)]

    @property
    def places(self) -> list[tuple[str, Sequence[str]]]:
        """Address and launcher of each host, for `RunningCluster`."""
        return [
            (host, ("ip", "netns", "exec", self._namespace(number)))
            for number, host in enumerate(self.hosts, 1)
        ]

    def _namespace(self, number: int) -> str:
        return f"{self._name}-{number}"

    def __enter__(self) -> Self:
        _ip("netns", "add", self._router)
        try:
            forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
            _ip("netns", "exec", self._router, "sh", "-c", forward)
            self._connect(0, ())
            _ip("route", "add", f"{self._prefix}.0.0/16", "via", f"{self._prefix}.0.1")
            for number in range(1, self._count + 1):
                namespace = self._namespace(number)
                _ip("netns", "add", namespace)
                inside = ("-n", namespace)
                self._connect(number, inside)
                _ip(*inside, "link", "set", "lo", "up")
                _ip(*inside, "route", "add", "default", "via", f"{self._prefix}.{number}.1")
        except RuntimeError:
            self.close()
            raise
        return self

    def _connect(self, number: int, inside: Sequence[str]) -> None:
        """A pair of interfaces between the router and a host."""
        here, there = f"{self._name}h{number}"[-15:], f"r{number}"
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self._router)
        if inside:
            _ip("link", "set", here, "netns", inside[1])
        _ip(*inside, "addr", "add", f"{self._prefix}.{number}.2/24", "dev", here)
        _ip(*inside, "link", "set", here, "up")
        _ip("-n", self._router, "addr", "add", f"{self._prefix}.{number}.1/24", "dev", there)
        _ip("-n", self._router, "link", "set", there, "up")

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The interfaces and routes go with their namespaces."""
        for number in range(1, self._count + 1):
            subprocess.run(
                ["ip", "netns", "del", self._namespace(number)], capture_output=True, check=False
            )
        subprocess.run(["ip", "netns", "del", self._router], capture_output=True, check=False)

    def drop(self, source: str, destination: str) -> None:
        """From now on nothing sent by the one arrives at the other."""
        self._rule("add", source, destination)
        self._dropped.append((source, destination))

    def heal(self) -> None:
        while self._dropped:
            self._rule("del", *self._dropped.pop())

    def _rule(self, verb: str, source: str, destination: str) -> None:
        rule = ("from", source, "to", destination, "blackhole")
        _ip("-n", self._router, "rule", verb, *rule)
