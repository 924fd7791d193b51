"""minikafka: Apache Kafka's protocol, files and behaviour in pure Python.

Importing the package imports nothing else: the broker starts from `minikafka.broker.main`,
the tools from `minikafka.cli.main`, and the client library is the package `minikafka_client`.
"""

__version__ = "0.1.0"
