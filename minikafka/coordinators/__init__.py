"""Coordinators: state machines over a partition of one of Kafka's internal topics.

`decision` is what a command comes to; `runtime` hosts machines on partition logs; `group` is the
machine of consumer groups and committed offsets (`__consumer_offsets`).
"""
