"""Log levels while the broker runs: resources of type BROKER_LOGGER (KIP-412).

The levels are those of the process, not of the cluster: they are changed here and now, are not
written anywhere, and are as the process started them after a restart. `root` is the logger that
all others take their level from unless they have one of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.settings.alter import Alteration, Operation

ROOT: Final = "root"
_TRACE: Final = 5
_LEVELS: Final = {
    "TRACE": _TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}


def logger_levels() -> dict[str, str]:
    """name -> effective level of the root logger and of every logger there is."""
    names = [
        name
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    ]
    return {name: _level_name(_logger(name)) for name in [ROOT, *sorted(names)]}


def check_changes(changes: Iterable[Alteration]) -> None:
    """Refuse the changes as a whole if one of them cannot be made.

    Raises `KafkaError` 42 for an operation that levels do not have, 40 for an unknown logger or
    level, -1 for an unknown operation.
    """
    known = logger_levels()
    for name, operation, level in changes:
        _check(name, operation, level, known)


def apply_changes(changes: Iterable[Alteration]) -> None:
    """Make changes that were checked before; the next record logged is judged by them."""
    for name, operation, level in changes:
        _logger(name).setLevel(
            _LEVELS[level or ""] if operation == Operation.SET else logging.NOTSET
        )


def _check(name: str, operation: int, level: str | None, known: dict[str, str]) -> None:
    if operation in (Operation.APPEND, Operation.SUBTRACT):
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"{Operation(operation).name} operation is not allowed for the BROKER_LOGGER resource",
        )
    if operation not in (Operation.SET, Operation.DELETE):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    if name not in known:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {name} does not exist!")
    if operation == Operation.DELETE and name == ROOT:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, "Removing the log level of the root logger is not allowed"
        )
    if operation == Operation.SET and level not in _LEVELS:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            f"Cannot set the log level of {name} to {level} as it is not a supported log level. "
            f"Valid log levels are {', '.join(sorted(_LEVELS))}",
        )


def _logger(name: str) -> logging.Logger:
    return logging.root if name == ROOT else logging.getLogger(name)


def _level_name(logger: logging.Logger) -> str:
    """Kafka's name of the effective level; one between two is called by the finer one."""
    effective = logger.getEffectiveLevel()
    name = "TRACE"
    for candidate, level in _LEVELS.items():
        if level <= effective:
            name = candidate
    return name
