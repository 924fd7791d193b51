"""`python -m bench.cluster`: three nodes of minikafka beside three of Apache Kafka.

What a failure costs, what replication costs, and what it takes to start and to have partitions.
"""
