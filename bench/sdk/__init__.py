"""The SDK beside aiokafka on one broker, in one run: CPU per record and the wait for one send.

    python -m bench.sdk               # starts Apache Kafka, or minikafka without Java
    python -m bench.sdk HOST:PORT

CPU is that of this process: the client's alone. Rounds of both clients alternate; medians count.
"""
