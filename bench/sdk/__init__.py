"""The SDK beside the other Python clients on one broker, in one run.

    python -m bench.sdk               # starts Apache Kafka, or minikafka without Java
    python -m bench.sdk HOST:PORT

CPU is that of this process, all threads: the client's alone. All clients take their turn in every
round, medians count. One awaited send is measured record by record in turn, so that both producers
see the same machine and the same broker. One table comes out, and a JSON file with every round.
"""
