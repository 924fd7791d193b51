"""`python -m minikafka.settings`: docs/configuration.md on stdout."""

from minikafka.settings.document import configuration_document

print(configuration_document(), end="")
