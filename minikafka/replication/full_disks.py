"""Log directories whose disk is full, until there is room again.

Kafka takes such a directory offline, and only a restart brings it back. Here what needs room is
refused with KAFKA_STORAGE_ERROR, everything else goes on, and what could not be done is tried
again as soon as the file system has room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from minikafka.log.directory import LogDirectory

logger = logging.getLogger("minikafka.replicas")

CHECK_INTERVAL_S = 1.0
ROOM_BYTES = 64 << 10
"""With less than this usable a file system is as good as full."""


class FullDisks:
    """Which directories have had no room; looks every second whether they have by now.

    `on_room` is called after one of them has; `on_failure` gets one that cannot even be asked.
    """

    def __init__(
        self, on_room: Callable[[], None], on_failure: Callable[[LogDirectory, OSError], None]
    ) -> None:
        self._on_room = on_room
        self._on_failure = on_failure
        self._full: list[LogDirectory] = []
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, directory: LogDirectory) -> bool:
        return directory in self._full

    def note(self, directory: LogDirectory, error: OSError) -> None:
        """There was no room in `directory`; the first time is logged."""
        if directory not in self._full:
            logger.error(
                "log directory %s has no room: what would be written is refused, until there is "
                "room again: %s",
                directory.path,
                error,
            )
            self._full.append(directory)
        if self._timer is None:
            self._watch()

    def _watch(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(CHECK_INTERVAL_S, self._look)

    def _look(self) -> None:
        self._timer = None
        for directory in list(self._full):
            try:
                usable_bytes = directory.space()[1]
            except OSError as error:
                self._full.remove(directory)
                self._on_failure(directory, error)
                continue
            if usable_bytes >= ROOM_BYTES:
                self._full.remove(directory)
                logger.info("log directory %s has room again", directory.path)
                self._on_room()
        if self._full and self._timer is None:
            self._watch()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
