"""Schemas of the records that Kafka keeps in its own logs and files."""
