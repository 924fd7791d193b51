"""`minikafka <command>`: finds the command, runs it, turns its end into an exit code.

Each tool is two modules: `arguments/<tool>.py` says what may be on its command line and imports
nothing heavy, so that `--help` answers at once; the module that does the work, and with it the
SDK, is loaded after the words have been understood.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TextIO

from minikafka import __version__
from minikafka.cli.exits import FAILED, INTERRUPTED, OK, USAGE, ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_TEXT: Final = """\
usage: minikafka <command> [arguments]

  broker    run a broker (the same as minikafka-broker)
  up        run a cluster of brokers on this machine
  produce   write records: lines, a format of your choice or JSON from stdin
  consume   read records, in a format of your choice or as JSON
  topics    list, describe, create, delete, alter; offsets, delete-records
  groups    list, describe, delete; reset-offsets, delete-offsets
  configs   list, describe, alter: of topics, brokers, groups, client metrics
  cluster   describe; features, quorum, log-dirs, api-versions
  storage   format data directories, say what is in them, make ids
  dump-log  print what is in log segments, indexes and snapshots
  version   print the version

`minikafka <command> --help` tells more.
"""

# command -> (what may be said, what does it), both below minikafka.cli
_TOOLS: Final = {
    "up": ("arguments.up", "up"),
    "produce": ("arguments.produce", "produce"),
    "consume": ("arguments.consume", "consume"),
    "topics": ("arguments.topics", "topics"),
    "groups": ("arguments.groups", "groups"),
    "configs": ("arguments.configs", "configs"),
    "cluster": ("arguments.cluster", "cluster"),
    "storage": ("arguments.storage", "storage"),
    "dump-log": ("arguments.dump_log", "dump_log.command"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    command, *rest = (sys.argv[1:] if words is None else words) or ["help"]
    match command:
        case "version" | "--version":
            sys.stdout.write(f"minikafka {__version__}\n")
            return OK
        case "help" | "--help" | "-h":
            sys.stdout.write(USAGE_TEXT)
            return OK
        case "broker":
            return int(_module("minikafka.broker.main").main(rest))
        case _ if command in _TOOLS:
            return _run_tool(command, rest)
        case _:
            sys.stderr.write(f"minikafka: unknown command {command!r}\n\n{USAGE_TEXT}")
            return USAGE


def _run_tool(command: str, words: Sequence[str]) -> int:
    """Everything a tool may end with becomes an exit code and at most one line on stderr."""
    arguments, worker = _TOOLS[command]
    _speak_utf8(sys.stdout)
    _speak_utf8(sys.stderr)
    try:
        options = _module(f"minikafka.cli.{arguments}").parser().parse_args(words)
        code = int(_module(f"minikafka.cli.{worker}").run(options))
        sys.stdout.flush()
        return code
    except SystemExit as end:  # argparse has said why
        return end.code if isinstance(end.code, int) else USAGE
    except ToolError as error:
        return _complain(command, str(error), error.exit_code)
    except BrokenPipeError:
        return _reader_has_gone()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(command, f"{where}{error.strerror or error}", FAILED)


def _complain(command: str, text: str, code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_has_gone()
    sys.stderr.write(f"minikafka {command}: {' '.join(text.split())}\n")
    return code


def _reader_has_gone() -> int:
    """Whoever read stdout has seen enough (`| head`): end as if by SIGPIPE, without a word."""
    # The interpreter flushes stdout once more as it ends; what is left goes nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _speak_utf8(stream: TextIO) -> None:
    """Records hold what they hold, whatever the locale says."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="surrogateescape")


def _module(name: str) -> Any:
    return import_module(name)


if __name__ == "__main__":
    sys.exit(main())
