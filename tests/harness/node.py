"""kafkajs: a program of ours for Node, and the packages of its package-lock.json."""

import os
import shutil
import subprocess

from harness.broker import PROJECT

SOURCES = PROJECT / "tests/interop/members/node"
INSTALLED = PROJECT / "build/interop/node"
MODULES = INSTALLED / "node_modules"


def install() -> None:
    """Install the locked packages unless they are there. Raises RuntimeError without Node."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise RuntimeError("Node and npm are needed for the members of kafkajs")
    lock = SOURCES / "package-lock.json"
    done = MODULES / ".installed.json"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, INSTALLED)
    command = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=INSTALLED, stdout=subprocess.DEVNULL, check=True)
    shutil.copy(lock, done)


def environment() -> dict[str, str]:
    """Where `require` finds the packages, for the program lies elsewhere."""
    return os.environ | {"NODE_PATH": str(MODULES)}


def member_command() -> list[str]:
    program = shutil.which("node")
    assert program is not None, "Node is not installed"
    assert MODULES.exists(), "kafkajs is not installed; see `make interop`"
    return [program, str(SOURCES / "member.js")]
