"""The documentation says which settings minikafka acts upon: here the sources are asked.

A test that fails here wants `acted_upon=False` added to a declaration, or taken away from it, and
`python -m minikafka.settings > docs/configuration.md`.
"""

import re
from pathlib import Path

import pytest

from minikafka.settings.broker import BrokerSettings
from minikafka.settings.declare import Declared
from minikafka.settings.topic import TopicSettings

PACKAGE = Path(__file__).parents[3] / "minikafka"

#: read by `settings` itself, and acted upon as a part of something else
THROUGH_OTHERS = {
    "broker.id",  # node.id
    "process.roles",  # is_broker, is_controller
    "controller.listener.names",  # broker_listeners, controller_listeners
    "listener.security.protocol.map",  # Listener.security_protocol
    "log.dir",  # log.dirs
    "metadata.log.segment.bytes",  # TopicSettings.for_metadata_log
    "metadata.log.segment.ms",
    "minikafka.uvloop.enable",
    "minikafka.log.level",
}


def keys_read_outside() -> set[str]:
    """Attributes of something called settings, and keys between quotes."""
    read: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        # The tools' keys of the same names are a client's.
        if not {"settings", "cli"}.intersection(path.relative_to(PACKAGE).parts):
            source = path.read_text(encoding="utf-8")
            read.update(re.findall(r"settings\.(\w+)", source))
            read.update(key.replace(".", "_") for key in re.findall(r'"([a-z0-9.]+)"', source))
    return read


def acted_upon(declarations: type[Declared]) -> set[str]:
    return {key for key, s in declarations.declarations.items() if s.acted_upon}


def test_topic_settings() -> None:
    read = keys_read_outside()
    keys = {key for key, s in TopicSettings.declarations.items() if s.attribute in read}
    assert acted_upon(TopicSettings) == keys


def test_broker_settings() -> None:
    read = keys_read_outside()
    keys = {key for key, s in BrokerSettings.declarations.items() if s.attribute in read}
    # A topic's key is acted upon by way of TopicSettings, and with it whatever gives its default.
    declared = BrokerSettings.declarations
    for topic_key in acted_upon(TopicSettings):
        for default in TopicSettings.declarations[topic_key].synonyms:
            keys |= {default, *declared[default].synonyms}
    keys |= THROUGH_OTHERS
    assert acted_upon(BrokerSettings) == keys


@pytest.mark.parametrize("bundle", [BrokerSettings, TopicSettings])
def test_every_attribute_is_named_after_its_key(bundle: type[Declared]) -> None:
    for key, declared in bundle.declarations.items():
        assert declared.attribute == key.replace(".", "_")
