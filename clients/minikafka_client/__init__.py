"""The asyncio client of minikafka, which speaks to Apache Kafka as well."""
