"""`minikafka dump-log`: log files as text, line for line as Kafka's kafka-dump-log prints them.

`segments` reads logs and metadata snapshots, `indexes` the other files of a segment, `decoders`
knows what is in the records of Kafka's own topics, `entries` are the things that get printed: each
has a text and a JSON form.
"""
