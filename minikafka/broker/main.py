"""The command `minikafka-broker`: from words, file and environment to a running broker.

Exit codes: 0 after SIGTERM or SIGINT, 1 when the broker cannot start or fails, 2 when it was told
something wrong, 128 + number at a second signal.
"""

import gc
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from minikafka import __version__
from minikafka.broker.command_line import HELP, CommandLine, UsageError, parse_command_line
from minikafka.broker.process import run_broker, set_up_logging
from minikafka.settings.accepted import is_removed
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import SettingError
from minikafka.settings.presets import ALONE, DATA_DIRECTORY, DEV
from minikafka.settings.properties import Loaded, PropertiesError, load

WRONG = 2

_AUTHORIZER = "authorizer.class.name"

_LOG = logging.getLogger("minikafka.settings")


def main(words: Sequence[str] | None = None) -> int:
    """Runs a broker until it is told to stop; returns the exit code."""
    # Nothing that a start makes is garbage; `process` switches the collector on afterwards.
    gc.disable()
    try:
        line = parse_command_line(sys.argv[1:] if words is None else words)
    except UsageError as error:
        return _complain(f"{error} (--help tells more)")
    if line.help or line.version:
        sys.stdout.write(HELP if line.help else f"minikafka {__version__}\n")
        return 0
    if not __debug__:
        return _complain("does not run under python -O: its rules are assertions")
    with ExitStack() as until_the_end:
        try:
            loaded = _load(line)
            temporary = line.dev and not _names_a_directory(loaded)
            if temporary:
                loaded.values["log.dirs"] = _temporary_directory(until_the_end)
            settings = BrokerSettings.parse(loaded.values)
        except (SettingError, PropertiesError, OSError) as error:
            return _complain(str(error))
        set_up_logging(settings.minikafka_log_level)
        _warn_of_unknown(loaded)
        _warn_of_open_doors(loaded)
        return run_broker(
            settings,
            cluster_id=line.cluster_id,
            with_banner=line.banner or sys.stdout.isatty(),
            temporary=temporary,
        )


def _complain(text: str) -> int:
    sys.stderr.write(f"minikafka-broker: {text}\n")
    return WRONG


def _load(line: CommandLine) -> Loaded:
    """The values from all sources, over the defaults that the command line implies."""
    text = None if line.file is None else _read(line.file)
    defaults = dict(ALONE) if text is None else {}
    if line.dev:
        defaults |= DEV
    if line.port is not None:
        host = "127.0.0.1" if line.dev else ""
        defaults["listeners"] = f"PLAINTEXT://{host}:{line.port}"
    loaded = load(text, line.overrides, os.environ, defaults)
    if text is None and not line.dev and not _names_a_directory(loaded):
        loaded.values["log.dirs"] = DATA_DIRECTORY
    return loaded


def _names_a_directory(loaded: Loaded) -> bool:
    return "log.dirs" in loaded.values or "log.dir" in loaded.values


def _read(path: str) -> str:
    """A file's text: UTF-8, or else Latin-1, which is what Java takes every file for."""
    with open(path, "rb") as file:  # noqa: PTH123  # importing pathlib costs 4 ms of each start
        content = file.read()
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _temporary_directory(until_the_end: ExitStack) -> str:
    # Imported only for --dev: it costs 3 ms.
    from tempfile import TemporaryDirectory

    return until_the_end.enter_context(TemporaryDirectory(prefix="minikafka-"))


def _warn_of_unknown(loaded: Loaded) -> None:
    for key, meant in loaded.unknown:
        if is_removed(key):
            _LOG.warning("%s: ignored, Kafka 4 has no such setting any more", key)
        elif meant is not None:
            _LOG.warning("%s: ignored, there is no such setting; %s, perhaps?", key, meant)
        else:
            _LOG.warning("%s: ignored, there is no such setting", key)


def _warn_of_open_doors(loaded: Loaded) -> None:
    authorizer = loaded.values.get(_AUTHORIZER, "").strip()
    if authorizer:
        _LOG.warning(
            "%s=%s: this version has no authorizer. NOBODY IS KEPT OUT: whoever can connect may do "
            "everything",
            _AUTHORIZER,
            authorizer,
        )


if __name__ == "__main__":
    sys.exit(main())
