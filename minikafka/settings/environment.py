"""`KAFKA_*` environment variables as settings, the way the container image apache/kafka reads them.

`KAFKA_LOG_RETENTION_MS` is `log.retention.ms`: the prefix goes, `_` becomes a dot, `__` an
underscore, `___` a hyphen (Confluent's images have the last two the other way round; both occur
only in the names of listeners and mechanisms).

An environment holds other things too (`KAFKA_HOME`, `KAFKA_OPTS`, the `KAFKA_PORT` of a Kubernetes
service called kafka): what is no key is passed over in silence, unless it is so close to one that a
typing error is likely.
"""

from collections.abc import Mapping
from typing import Final

from minikafka.settings.broker import unknown_keys

PREFIX: Final = "KAFKA_"

#: variables of Kafka's scripts and images; what they say is for a Java machine
_SCRIPT_VARIABLES: Final = frozenset(
    {
        "KAFKA_CLUSTER_ID",
        "KAFKA_DEBUG",
        "KAFKA_HOME",
        "KAFKA_JMX_HOSTNAME",
        "KAFKA_JMX_PORT",
        "KAFKA_MODE",
        "KAFKA_USER",
        "KAFKA_VERSION",
    }
)


def key_of(variable: str) -> str | None:
    """The setting that an environment variable names; None when it is not meant as one."""
    if not variable.startswith(PREFIX) or variable in _SCRIPT_VARIABLES:
        return None
    if variable.endswith("_OPTS") or "LOG4J" in variable or variable.startswith("KAFKA_DEBUG_"):
        return None
    name = variable.removeprefix(PREFIX).lower()
    # Longest first; capitals stand in for the results, as the name has none left.
    key = name.replace("___", "H").replace("__", "U").replace("_", ".")
    return key.replace("H", "-").replace("U", "_")


def from_environment(
    environ: Mapping[str, str],
) -> tuple[dict[str, str], list[tuple[str, str | None]]]:
    """The settings in `environ`, and (variable, key that was probably meant) of likely mistakes."""
    variables = {key: name for name in sorted(environ) if (key := key_of(name)) is not None}
    found = {key: environ[variable] for key, variable in variables.items()}
    unknown = unknown_keys(found)
    for key, _ in unknown:
        del found[key]
    misspelt = [(variables[key], meant) for key, meant in unknown if meant is not None]
    return found, list(misspelt)
