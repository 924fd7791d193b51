"""The replication room: partitions with their leader and follower roles, purgatory, fetch sessions.

`partition` and `fetch_session` decide (no IO, no clock); `replicas` and `delayed` host them.
"""
