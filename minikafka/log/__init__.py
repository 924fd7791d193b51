"""The log room: a partition's records in Kafka's own files.

    <topic>-<partition>/00000000000000000000.log         record batches, byte by byte as appended
                        00000000000000000000.index       offset → position, one entry per 4 KiB
                        00000000000000000000.timeindex   timestamp → offset
                        00000000000000000000.txnindex    aborted transactions, if there are any
                        00000000000000000000.snapshot    producer state before that offset
                        leader-epoch-checkpoint          which epoch began at which offset
                        partition.metadata               the topic id

`partition_log` is one partition's log, `directory` a log directory with its lock, its checkpoints
and its marker of a clean stop. `segment`, `indexes`, `transaction_index`, `producer_state`,
`producer_snapshots`, `leader_epochs` and `checkpoints` are what they are made of; `recovery` opens
a log and repairs what a crash left, `retention` says what may go, `lookups` finds by time.

File work is synchronous (the page cache answers), fsync is awaited. What the disk refuses leaves as
OSError, and the owner takes the directory offline; what no repair can put right leaves as
`CorruptLogError`.
"""
