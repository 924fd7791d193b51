"""`python -m bench.storage`: many partitions, and the start after a kill, beside Apache Kafka.

Every round gets a newly started broker on empty storage. A run takes minutes, so a round is one
of each contestant unless more are asked for.
"""
