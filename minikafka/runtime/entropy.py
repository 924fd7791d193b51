"""Randomness, taken from the machine once and handed on as a `random.Random`.

Code that needs it gets the source as an argument and draws with `random()` and `getrandbits()`
only: a simulation replays those from a seed, on every version of Python.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextvars import ContextVar
from os import urandom
from random import Random
from uuid import UUID

_VERSION_4 = 4 << 76
_VARIANT = 2 << 62
_FREE_BITS = ~((0xF << 76) | (0x3 << 62))


def _seed_of_the_system() -> int:
    return int.from_bytes(urandom(32))


NEW_SEED: ContextVar[Callable[[], int]] = ContextVar("new_seed", default=_seed_of_the_system)
"""Where seeds come from; a simulation puts its own into a process's context."""


def random_source() -> Random:
    """A generator seeded by the operating system, or by the simulation this runs in."""
    return Random(NEW_SEED.get()())


def random_uuid(random: Random) -> UUID:
    """A random (version 4) id that Kafka accepts: not reserved, and its text no option.

    Kafka keeps the first hundred ids for itself (0 none, 1 metadata topic or lost directory, 2
    migrating directory); the version bits keep clear of them.
    The text form (URL-safe base64, 22 characters) of an id that starts with `-` would be taken for
    an option by command-line tools; Kafka never makes one.
    """
    while True:
        value = (random.getrandbits(128) & _FREE_BITS) | _VERSION_4 | _VARIANT
        text = urlsafe_b64encode(value.to_bytes(16))
        if not text.startswith(b"-"):
            return UUID(int=value)
