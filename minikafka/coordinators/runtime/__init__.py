"""Hosts of coordinators: a machine per led partition of an internal topic.

`host` knows which partition a key belongs to and follows leadership; `shard` loads one machine
from its log, appends what it decides and gives the answers when that is committed; `loading` and
`appending` are the way from the log and to it; `hosting` says what machine and replica must offer.
"""
