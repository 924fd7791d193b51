"""What the cluster agrees on: topics, partitions, brokers, configs, features.

`image.py` holds the state that the metadata records add up to, `replay.py` says what each record
type changes in it, `delta.py` what a run of records has touched, `loader.py` applies batches and
metadata transactions, `snapshot.py` writes an image as the fewest records that make it again, and
`features.py` names the features and their levels. Pure: records in, state out.
"""
