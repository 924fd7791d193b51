"""Random bits of a log directory flip: what is served stays right, or somebody is told.

    PYTHONPATH=tests python -m flips --flips 100000

`directories` makes log directories and knows what they hold; `trial` flips one bit, opens, and asks
for everything. Kinds of files: log, index, timeindex, txnindex, snapshot, and the checkpoints.
"""
