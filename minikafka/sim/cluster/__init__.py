"""Several whole brokers, their clients and their misfortunes from one seed, and what judges them.

`climate` draws what a seed is like, `shapes` the nodes and their settings, `schedule` the faults;
`world` runs it all. The checkers do not ask brokers: `watching` looks after every callback at what
a node believes, and `metadata_truth` and `partition_truth` read the bytes on the disks.
"""
