"""Counts of threads change by steps: a running broker halves or doubles them at most.

Kafka resizes its pools no faster. Here one event loop stands for all of them, but who scripts such
a change meets the same refusals.
"""

from typing import TYPE_CHECKING

from minikafka.settings.declare import SettingRequestError

if TYPE_CHECKING:
    from minikafka.settings.broker import BrokerSettings

_COUNTS = (
    "background.threads",
    "log.cleaner.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
)


def require_steps(before: "BrokerSettings", after: "BrokerSettings") -> None:
    """SettingRequestError when a count is less than half or more than double what it was."""
    for key in _COUNTS:
        old, new = before.value(key), after.value(key)
        if new < old // 2:
            allowed = f"must be at least half of the present value, which is {old}"
        elif new > 2 * old:
            allowed = f"must be at most double the present value, which is {old}"
        else:
            continue
        raise SettingRequestError(key, str(new), allowed)
