"""The wire protocol of Kafka 4.3: schemas and codecs, api tables, error codes, framing. Pure."""
